import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openSession } from '../../lib/index';
import { isSessionGone, startSessionChild, thingsOfSession } from '../support/session-child';
import { startDaemon, type DaemonReaper } from '../support/daemon-reaper';
import { removeLeftovers } from '../support/leftovers';
import { runCastoff } from '../support/run-castoff';
import { rejectionOf } from '../support/rejection';
import { until } from '../support/until';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'castoff-address-'));
  await writeFile(join(folder, 'token'), 'a secret\n');
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  await removeLeftovers();
});

const portOf = (reaper: DaemonReaper): string =>
  String(reaper.log().find(({ msg }) => msg === 'Started')?.['address'])
    .split(':')
    .at(-1) ?? '';
const holdersOf = async (reaper: DaemonReaper): Promise<readonly string[]> => {
  const { leases } = JSON.parse((await reaper.get('/sessions')).body) as { leases: { holder: string }[] };
  return leases.map(({ holder }) => holder);
};

describe('a session with the address of a reaper', () => {
  it('has its lease there, and is reaped by it when its process is killed', async () => {
    await using reaper = await startDaemon();
    const address = `127.0.0.1:${portOf(reaper)}`;
    const child = await startSessionChild({ reaper: { address }, areStarted: false });
    const { session } = child.told;
    expect(child.told.reaper).toBe(`the reaper at ${address}`);
    expect(await holdersOf(reaper)).toEqual([expect.stringContaining(`session ${session} `)]);
    expect(await thingsOfSession(session)).toHaveLength(4);
    await child.kill();
    expect(await until(() => isSessionGone(session), 20_000, 50)).toBe(true);
  });

  it('takes a new lease when its own has reached the age limit, and keeps its resources', async () => {
    await using reaper = await startDaemon(['--max-lease-age', '1s']);
    const address = `127.0.0.1:${portOf(reaper)}`;
    const child = await startSessionChild({ reaper: { address }, areStarted: false });
    const { session } = child.told;
    const countOf = (message: string): number => reaper.log().filter(({ msg }) => msg === message).length;
    expect(await until(() => countOf('lease lost') >= 2, 20_000, 50)).toBe(true);
    expect(await until(async () => (await holdersOf(reaper)).length === 1, 20_000, 50)).toBe(true);
    expect(countOf('reaping')).toBe(0);
    expect(await thingsOfSession(session)).toHaveLength(4);
    await child.kill();
    expect(await until(() => isSessionGone(session), 20_000, 50)).toBe(true);
  });

  it('releases its lease when it closes', async () => {
    await using reaper = await startDaemon();
    const session = await openSession({ reaper: { address: `127.0.0.1:${portOf(reaper)}` } });
    await session.close();
    expect(await until(async () => (await holdersOf(reaper)).length === 0)).toBe(true);
  });

  it('uses the local socket of the reaper, which needs no token', async () => {
    const path = join(folder, 'reaper.sock');
    await using reaper = await startDaemon(['--socket', path, '--token-file', join(folder, 'token')]);
    const session = await openSession({ reaper: { address: path } });
    expect(session.reaper).toBe(`the reaper at ${path}`);
    expect(await holdersOf(reaper)).toHaveLength(1);
    await session.close();
  });

  it('takes the address and the token from the environment', async () => {
    await using reaper = await startDaemon(['--token-file', join(folder, 'token')]);
    const address = `tcp://127.0.0.1:${portOf(reaper)}`;
    const env = { CASTOFF_REAPER: address, CASTOFF_REAPER_TOKEN_FILE: join(folder, 'token') };
    const child = await startSessionChild({
      areStarted: false,
      containers: 1,
      env: { ...process.env, ...env },
    });
    expect(child.told.reaper).toBe(`the reaper at ${address}`);
    expect(await holdersOf(reaper)).toEqual([expect.stringContaining(`session ${child.told.session} `)]);
    await child.ask('close');
    await child.leave();

    const doctor = async (more: object): Promise<string> =>
      (await runCastoff(['doctor'], { ...env, ...more })).stdout;
    expect(await doctor({})).toContain(`ok    reaper          the one at ${address}, which accepts leases`);
    const wrong = await doctor({ CASTOFF_REAPER_TOKEN: 'another' });
    expect(wrong).toMatch(/^fail {2}reaper +take a lease from the reaper .* requires a token/m);
    expect(await holdersOf(reaper)).toEqual([]);
  });

  it('sends its token', async () => {
    await using reaper = await startDaemon(['--token-file', join(folder, 'token')]);
    const address = `127.0.0.1:${portOf(reaper)}`;
    const session = await openSession({ reaper: { address, token: 'a secret' } });
    expect(await holdersOf(reaper)).toHaveLength(1);
    await session.close();
  });

  it.each([
    ['a missing token', {}, 'none was given'],
    ['another token', { token: 'another' }, 'the given one is another'],
  ])('is REAPER_UNAVAILABLE with %s', async (_what, token, text) => {
    await using reaper = await startDaemon(['--token-file', join(folder, 'token')]);
    const address = `127.0.0.1:${portOf(reaper)}`;
    const error = await rejectionOf(openSession({ reaper: { address, ...token } }));
    expect(error).toMatchObject({ code: 'REAPER_UNAVAILABLE', cause: { code: 'REAPER_PROTOCOL' } });
    expect(String(error)).toContain(`take a lease from the reaper at ${address}: `);
    expect(String(error)).toContain(`${text}: set reaper.token`);
    expect(await holdersOf(reaper)).toEqual([]);
  });

  it('is REAPER_UNAVAILABLE where nothing listens, with what to check', async () => {
    // A free port might soon be another spec file's.
    const error = await rejectionOf(openSession({ reaper: { address: '127.0.0.1:1' } }));
    expect(error).toMatchObject({ code: 'REAPER_UNAVAILABLE' });
    expect(String(error)).toContain('connect to the reaper at 127.0.0.1:1: ');
    expect(String(error)).toContain('castoff reaper run --host 127.0.0.1 --port 1');
  });

  it('takes its lease there again when the connection is lost', async () => {
    const path = join(folder, 'again.sock');
    const first = await startDaemon(['--socket', path]);
    const session = await openSession({ reaper: { address: path } });
    try {
      await first[Symbol.asyncDispose]();
      await using second = await startDaemon(['--socket', path]);
      expect(await until(async () => (await holdersOf(second)).length === 1, 15_000, 50)).toBe(true);
      await session.close();
    } finally {
      await session.close();
    }
  });
});
