import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connectEngine } from '../../lib/engine/connect';
import { buildReaperImage } from '../../lib/lease/image';
import { version } from '../../package.json';
import { holdProgram } from '../support/held-program';
import { removeLeftovers } from '../support/leftovers';
import { startRyuk } from '../support/ryuk-container';
import { runToEnd } from '../support/run-to-end';
import { exists } from '../support/things';

const run = promisify(execFile);
const cli = join(__dirname, '../../dist/cli.js');

let image: string;
beforeAll(async () => void ({ name: image } = await buildReaperImage(await connectEngine())));
afterAll(() => removeLeftovers());

describe("the reaper's image", () => {
  it('runs as any user that may use the socket, without capabilities, on a read-only root', async () => {
    const { gid } = await stat('/var/run/docker.sock');
    const { code, log } = await runToEnd({
      Image: image,
      User: '1000',
      Env: ['RYUK_CONNECTION_TIMEOUT=50ms', 'RYUK_RECONNECTION_TIMEOUT=50ms'],
      HostConfig: {
        Binds: ['/var/run/docker.sock:/var/run/docker.sock'],
        GroupAdd: [String(gid)],
        ReadonlyRootfs: true,
        CapDrop: ['ALL'],
        SecurityOpt: ['no-new-privileges'],
      },
    });
    expect(log).toContain('Started!');
    expect(log).toContain('address=[::]:8080');
    expect(code).toBe(0);
  });

  // Docker reports a container as started a moment before its first program runs (seen: still `runc init`).
  it('loses no line that arrives at its published port before Node.js is up', async () => {
    await using held = await holdProgram();
    const reaper = await startRyuk(image, {
      env: { RYUK_RECONNECTION_TIMEOUT: '10ms' },
      binds: [held.bind],
    });
    await held.untilAsked();
    const clients = Array.from({ length: 20 }, () => reaper.connect());
    await Promise.all(clients.map((client) => client.send('label=castoff-spec.line=')));
    const answers = clients.map((client) => client.claim(randomBytes(4).toString('hex')));
    expect(reaper.log()).toBe('');
    await held.release();
    expect(await Promise.all(answers)).toEqual(Array.from({ length: 20 }, () => 'ACK'));
    await Promise.all(clients.map((client) => client.leave()));
    expect(await reaper.ended).toBe(0);
  });

  it('prints one line and exits for an invalid port, before Node.js is up', async () => {
    const { code, log } = await runToEnd({ Image: image, Env: ['RYUK_PORT=http'] });
    expect({ code, log }).toEqual({
      code: 1,
      log: 'castoff reaper: RYUK_PORT http: give a port from 0 to 65535\n',
    });
  });
});

describe('castoff reaper image', () => {
  it('prints only the image’s name', async () => {
    const { stdout } = await run(process.execPath, [cli, 'reaper', 'image']);
    expect(stdout).toBe(`castoff/reaper:${version}\n`);
    expect(await exists('image', stdout.trim())).toBe(true);
  });

  it('fails without an engine', async () => {
    const env = { ...process.env, DOCKER_HOST: 'unix:///nowhere.sock' };
    const failing = run(process.execPath, [cli, 'reaper', 'image'], { env });
    await expect(failing).rejects.toMatchObject({
      stdout: '',
      stderr: expect.stringContaining('nowhere.sock'),
    });
  });
});
