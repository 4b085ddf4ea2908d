import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import Docker from 'dockerode';
import { sweepInBackground } from '../../lib/session/sweep-in-background';
import { openFaultProxy, type FaultProxy } from '../support/fault-proxy';
import { removeLeftovers } from '../support/leftovers';
import { createLabelled, deadOwner, labelsOf, someSession } from '../support/owned-things';
import { openPrivateEngine, type PrivateEngine } from '../support/private-engine';
import { castoffArgs, runCastoff, type CastoffRun } from '../support/run-castoff';
import { exists, uniqueName } from '../support/things';
import { until } from '../support/until';

// An engine of its own: a sweep takes what the specs beside this one have left on purpose.
let engine: PrivateEngine;
let proxy: FaultProxy;
let docker: Docker;
let session: string;

beforeAll(async () => {
  engine = await openPrivateEngine();
  docker = new Docker({ socketPath: engine.socketPath });
});
afterAll(() => engine.close());
beforeEach(async () => {
  session = someSession();
  proxy = await openFaultProxy({ upstream: engine.socketPath });
});
afterEach(async () => {
  await proxy.close();
  await removeLeftovers(docker);
});

const isThere = (id: string): Promise<boolean> => exists('container', id, docker);
const leave = (): Promise<string> => createLabelled(docker, labelsOf(session, deadOwner()));

describe('castoff sweep', () => {
  const run = (...args: readonly string[]): Promise<CastoffRun> =>
    runCastoff(['sweep', ...args], { DOCKER_HOST: proxy.address });

  it('ends with 1 where something could not be removed, and says what and why', async () => {
    const id = await leave();
    proxy.inject({
      on: `DELETE /containers/${id}`,
      // The engine will not, and will not later either.
      fault: { type: 'answer', status: 400, message: 'not today' },
      times: Number.POSITIVE_INFINITY,
    });

    const { exitCode, stdout } = await run();

    expect(exitCode).toBe(1);
    expect(stdout).toMatch(new RegExp(`^failed +container .*${session}.* on this boot; .*not today`, 'm'));
    expect(stdout).toMatch(/^0 removed, \d+ kept, 1 failed on unix:/m);
    expect(await isThere(id)).toBe(true);
  });

  it('says as JSON what would go', async () => {
    const id = await leave();

    const { exitCode, stdout } = await run('--dry-run', '--json');

    expect(exitCode).toBe(0);
    const report = JSON.parse(stdout) as { readonly things: readonly { readonly id: string }[] };
    expect(report.things.find((thing) => thing.id === id)).toMatchObject({
      action: 'would-remove',
      kind: 'container',
      session,
      proof: expect.stringMatching(/^no process \d+ on this boot$/),
    });
    expect(await isThere(id)).toBe(true);
  });

  it('takes its time as a duration, and says what it did not come to', async () => {
    const id = await leave();
    proxy.inject({ on: `* /containers/${id}`, fault: { type: 'swallow' }, times: Infinity });
    const { exitCode, stdout, stderr } = await run('--timeout', '3s');
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: '' });
    expect(stdout).toMatch(/^failed +container .*(no answer in|did not answer)/m);
  });

  it('takes an age as a duration', async () => {
    const id = await leave();
    expect((await run('--older-than', '1h30m')).stdout).toMatch(/^kept .* is only [\d.]+ m?s old$/m);
    expect(await isThere(id)).toBe(true);
    expect((await run('--older-than', '0s')).exitCode).toBe(0);
    expect(await isThere(id)).toBe(false);
  });

  it.each([
    [['--older-than=-1s'], '--older-than: got "-1s"; give a duration'],
    [['--everything'], "unknown option '--everything'"],
  ])('ends with 2 for %j, and removes nothing', async (args, message) => {
    const id = await leave();
    const { exitCode, stderr, stdout } = await run(...args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(await isThere(id)).toBe(true);
  });

  it('tells of its exit codes', async () => {
    const { exitCode, stdout } = await run('--help');
    expect(exitCode).toBe(0);
    expect(stdout).toContain('1  something failed, or could not be removed');
  });

  it('has colour on a terminal, and none where NO_COLOR asks for none', async () => {
    await leave();
    const onTerminal = async (env: Record<string, string>, flags = '--dry-run'): Promise<string> => {
      const command = [process.execPath, ...castoffArgs, 'sweep', flags].join(' ');
      const settings: NodeJS.ProcessEnv = {
        ...process.env,
        DOCKER_HOST: proxy.address,
        TERM: 'xterm',
        ...env,
      };
      // Each of them says more than the terminal does: Node takes what runs in CI for colourless.
      for (const name of ['CI', 'FORCE_COLOR', 'NODE_DISABLE_COLORS']) delete settings[name];
      const { stdout } = await promisify(execFile)('script', ['-qec', command, '/dev/null'], {
        env: settings,
      });
      return stdout;
    };
    const preview = await onTerminal({});
    expect(preview).toContain('\u001B[33mwould-remove\u001B[39m');
    expect(preview).not.toContain('1 of 1');
    expect(await onTerminal({ NO_COLOR: '1' })).toMatch(/^would-remove +container /m);
    expect(await onTerminal({}, '--timeout 20s')).toContain('\r1 of 1\r\u001B[K');
  });
});

describe('a sweep in the background', () => {
  const { CASTOFF_SWEEP: before } = process.env;
  beforeEach(() => {
    delete process.env['CASTOFF_SWEEP'];
  });
  afterEach(() => {
    jest.restoreAllMocks();
    if (before !== undefined) process.env['CASTOFF_SWEEP'] = before;
  });

  it('removes what dead owners left', async () => {
    const id = await leave();
    const report = await sweepInBackground(proxy.address, { limitMs: 20_000 }).ended;
    expect(report?.things.find((thing) => thing.id === id)).toMatchObject({ action: 'removed' });
    expect(await isThere(id)).toBe(false);
  });

  it('ends at its limit, without a word, and leaves the rest to the next', async () => {
    const id = await leave();
    const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    proxy.inject({ on: 'GET /containers/json', fault: { type: 'swallow' }, times: 9 });

    expect(await sweepInBackground(proxy.address, { limitMs: 300 }).ended).toBeUndefined();

    expect(warned).not.toHaveBeenCalled();
    expect(await isThere(id)).toBe(true);
  });

  it('comes to the rest while one container is stuck, and ends at its limit', async () => {
    const id = await leave();
    const volume = uniqueName();
    await docker.createVolume({ Name: volume, Labels: labelsOf(session, deadOwner()) });
    proxy.inject({ on: `* /containers/${id}`, fault: { type: 'swallow' }, times: Infinity });
    expect(await sweepInBackground(proxy.address, { limitMs: 3_000 }).ended).toBeUndefined();
    expect(await exists('volume', volume, docker)).toBe(false);
  });

  it('ends when it is stopped', async () => {
    proxy.inject({ on: 'GET /containers/json', fault: { type: 'swallow' }, times: 9 });
    const sweeping = sweepInBackground(proxy.address, { limitMs: 30_000 });
    await proxy.until('GET /containers/json', 10_000);
    await sweeping.stop();
    expect(await sweeping.ended).toBeUndefined();
  });

  it('tells of what it could not remove in one warning, and does not reject', async () => {
    const id = await leave();
    const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const fault = { type: 'answer', status: 400, message: 'not today' } as const;
    proxy.inject({ on: `DELETE /containers/${id}`, fault, times: 9 });

    await sweepInBackground(proxy.address, { limitMs: 20_000 }).ended;

    expect(warned).toHaveBeenCalledTimes(1);
    expect(warned).toHaveBeenCalledWith(expect.stringContaining('not today'), {
      type: 'CastoffWarning',
      code: 'CASTOFF_SWEEP_FAILED',
    });
  });

  it('does not reject where there is no engine', async () => {
    const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    expect(await sweepInBackground('unix:///nowhere/engine.sock').ended).toBeUndefined();
    expect(warned).toHaveBeenCalledTimes(1);
  });

  it('does nothing where CASTOFF_SWEEP=off asks for that', async () => {
    process.env['CASTOFF_SWEEP'] = 'off';
    const id = await leave();
    await sweepInBackground(proxy.address, { limitMs: 20_000 }).ended;
    expect(await until(async () => !(await isThere(id)), 0)).toBe(false);
    expect(proxy.calls).toEqual([]);
  });
});
