import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type Dockerode from 'dockerode';
import { describe, expect, it } from '@jest/globals';
import { createEngine } from '../../lib/engine/engine';
import { buildReaperImage } from '../../lib/lease/image';
import { digestOf, imageConfig } from '../../lib/lease/image-recipe';
import { rejectionOf } from '../support/rejection';
import { standInConnection } from '../support/stand-in-connection';

const dockerfile = readFileSync(join(__dirname, '../../docker/reaper/Dockerfile'), 'utf8');

describe("the recipe of the reaper's image", () => {
  it('is the same in docker/reaper/Dockerfile', () => {
    const lines = dockerfile.split('\n');
    const configuring = /^(ENV|LABEL|EXPOSE|ENTRYPOINT|CMD|HEALTHCHECK|USER|VOLUME|WORKDIR|STOPSIGNAL) /;
    expect(lines.filter((line) => configuring.test(line))).toEqual(imageConfig({ hasBinder: true }));
  });

  it('starts Node itself where there is nothing that binds the port first', () => {
    expect(imageConfig({ hasBinder: false })).toContain('ENTRYPOINT ["node","/castoff/reaper-server.js"]');
  });

  it('has another digest for every other content, also where the parts join to the same', () => {
    const digests = [['ab', 'c'], ['a', 'bc'], ['abc'], ['ab', 'c', '']].map(digestOf);
    expect(new Set(digests).size).toBe(4);
    expect(digestOf(['ab', 'c'])).toBe(digestOf([Buffer.from('ab'), 'c']));
  });
});

describe('an engine whose containers cannot run this Node', () => {
  it.each([
    ['another processor', 'linux', 's390x'],
    ['another system', 'windows', 'amd64'],
  ])('%s: gets no image, and the reader a way out', async (_, Os, Arch) => {
    const docker = { version: () => Promise.resolve({ Os, Arch }) } as unknown as Dockerode;
    const error = await rejectionOf(
      buildReaperImage(createEngine(standInConnection, false, async () => docker)),
    );
    expect(error).toMatchObject({ code: 'CONFIG_INVALID' });
    expect(error).toHaveProperty('message', expect.stringContaining(`the engine runs ${Os} on ${Arch}`));
    expect(error).toHaveProperty('message', expect.stringContaining('--base node:24-alpine'));
  });
});
