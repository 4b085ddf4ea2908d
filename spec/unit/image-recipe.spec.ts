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
  it('docker/reaper/Dockerfile has the same configuration as the built image', () => {
    const lines = dockerfile.split('\n');
    const configuring = /^(ENV|LABEL|EXPOSE|ENTRYPOINT|CMD|HEALTHCHECK|USER|VOLUME|WORKDIR|STOPSIGNAL) /;
    expect(lines.filter((line) => configuring.test(line))).toEqual(imageConfig({ hasBinder: true }));
  });

  it('an image without a binder starts Node directly', () => {
    expect(imageConfig({ hasBinder: false })).toContain('ENTRYPOINT ["node","/castoff/reaper-server.js"]');
  });

  it('different parts have different digests, even if they concatenate to the same bytes', () => {
    const digests = [['ab', 'c'], ['a', 'bc'], ['abc'], ['ab', 'c', '']].map(digestOf);
    expect(new Set(digests).size).toBe(4);
    expect(digestOf(['ab', 'c'])).toBe(digestOf([Buffer.from('ab'), 'c']));
  });
});

describe('building the image on an engine whose containers cannot run this Node', () => {
  it.each([
    ['another processor', 'linux', 's390x'],
    ['another system', 'windows', 'amd64'],
  ])('building the image for %s fails with an error that suggests --base', async (_, Os, Arch) => {
    const docker = { version: () => Promise.resolve({ Os, Arch }) } as unknown as Dockerode;
    const error = await rejectionOf(
      buildReaperImage(createEngine(standInConnection, false, async () => docker)),
    );
    expect(error).toMatchObject({ code: 'CONFIG_INVALID' });
    expect(error).toHaveProperty('message', expect.stringContaining(`the engine runs ${Os} on ${Arch}`));
    expect(error).toHaveProperty('message', expect.stringContaining('--base node:24-alpine'));
  });
});
