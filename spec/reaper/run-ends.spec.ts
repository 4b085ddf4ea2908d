import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { journalFolder } from '../../lib/registry/session-identity';
import type { RunEnd } from '../../lib/verdict/verdict';
import { createIdle } from '../support/claimed-things';
import { removeLeftovers } from '../support/leftovers';
import { openFaultProxy } from '../support/fault-proxy';
import { childrenOf } from '../support/process-children';
import { startRunProcess } from '../support/run-process';
import { openRunStage, type Made, type RunStage } from '../support/run-stage';
import { thingsOfSession } from '../support/session-child';
import { specImage } from '../support/spec-image';
import { exists, uniqueName } from '../support/things';
import { until } from '../support/until';

const goneTimeoutMs = 15_000;
const lookMs = 50;
const create = ['create', '--volume', '/data', specImage];
const runDetached = ['run', '--detach', '--network', 'none', '--volume', '/data', specImage, 'sleep', '600'];

afterAll(() => removeLeftovers());

const isGone = (id: string): Promise<boolean> =>
  until(async () => !(await exists('container', id)), goneTimeoutMs, lookMs);
const isAllGone = (session: string): Promise<boolean> =>
  until(async () => (await thingsOfSession(session)).length === 0, goneTimeoutMs, lookMs);

describe('a run with a killed worker', () => {
  let one: RunStage;
  let other: RunStage;
  let stays: Made;

  beforeAll(async () => {
    [one, other] = await Promise.all([openRunStage(2), openRunStage(1)]);
    stays = await other.workers[0]!.do<Made>('make');
  });
  afterAll(async () => {
    await one[Symbol.asyncDispose]();
    await other[Symbol.asyncDispose]();
  });

  it('a run removes the resources of a killed worker, and keeps those of the others', async () => {
    const [first, second] = one.workers;
    const lost = await first!.do<Made>('make');
    const living = await second!.do<Made>('make');
    first!.signal('SIGKILL');
    expect(await isGone(lost.id)).toBe(true);
    expect(await exists('container', living.id)).toBe(true);
    await second!.do('remove', { id: living.id });
    second!.signal('SIGKILL');
    await second!.ended;

    const end = await one.main.do<RunEnd>('close');
    expect(end).toMatchObject({ failures: [], left: [], deadWorkers: 1 });
    expect(end.records.map(({ id, state, outcome, isOrphan }) => ({ id, state, outcome, isOrphan }))).toEqual(
      [
        { id: lost.id, state: 'gone', outcome: 'removed', isOrphan: true },
        { id: living.id, state: 'gone', outcome: 'removed-by-code' },
      ],
    );
    expect(await thingsOfSession(one.session)).toEqual([]);
    expect(existsSync(journalFolder(one.session))).toBe(false);
  });

  it('a run with a killed worker does not affect another run on the same engine', async () => {
    expect(await thingsOfSession(other.session)).toEqual([`container ${stays.id}`]);
  });

  it('a worker that left is not counted as dead, and its resources are removed when the run ends', async () => {
    const [worker] = other.workers;
    await worker!.do('leave');
    expect(await worker!.leave()).toEqual({ code: 0, signal: null });
    expect(await exists('container', stays.id)).toBe(true);
    const end = await other.main.do<RunEnd>('close');
    expect(end).toMatchObject({ failures: [], left: [], deadWorkers: 0 });
    expect(end.records).toMatchObject([{ id: stays.id, state: 'gone', outcome: 'removed' }]);
    expect(end.records[0]).not.toHaveProperty('isOrphan');
    expect(await exists('container', stays.id)).toBe(false);
  });
});

describe('a run', () => {
  it("a run removes a killed worker's Compose projects, but not those of others, and keeps shared fixtures until it ends", async () => {
    await using stage = await openRunStage(2);
    const project = uniqueName();
    const [lost, living] = stage.workers;
    expect(await lost!.do('await', { name: 'db' })).toEqual({ type: 'make' });
    const shared = await lost!.do<Made>('make', { scope: 'shared/db', shared: true });
    await lost!.do('settle', { name: 'db', json: '{"port":1}' });
    const own = await lost!.do<Made>('make');
    const label = (name: string) => ({ 'com.docker.compose.project': name });
    await lost!.do('claim', { labels: [`com.docker.compose.project=${project}`] });
    await living!.do('claim', { labels: [`com.docker.compose.project=${project}-b`] });
    const gone = await createIdle(label(project));
    const stays = await createIdle(label(`${project}-b`));
    lost!.signal('SIGKILL');
    expect(await isGone(own.id)).toBe(true);
    expect(await isGone(gone.id)).toBe(true);
    expect(await exists('container', stays.id)).toBe(true);

    expect(await exists('container', shared.id)).toBe(true);
    expect(await living!.do('await', { name: 'db' })).toMatchObject({ type: 'there', json: '{"port":1}' });
    await living!.do('leave');
    const end = await stage.main.do<RunEnd>('close');
    expect(end).toMatchObject({ failures: [], left: [], deadWorkers: 1 });
    const sharedRecord = end.records.find(({ id }) => id === shared.id);
    expect(sharedRecord).toMatchObject({ state: 'gone', outcome: 'removed' });
    expect(sharedRecord).not.toHaveProperty('isOrphan');
    expect(await exists('container', shared.id)).toBe(false);
    expect(await exists('container', stays.id)).toBe(false);
  });

  it('a run removes the resources of a worker thread in its own process when the thread ends', async () => {
    await using stage = await openRunStage(0);
    const own = await stage.main.do<Made>('make');
    const made = await stage.main.do<Made & { session: string; worker: string }>('thread', {
      address: stage.address,
    });
    expect(made.session).toBe(stage.session);
    expect(made.worker).toMatch(new RegExp(`^${stage.main.pid}-[1-9]\\d*-[0-9a-f]{6}$`));
    await stage.main.do('endThread');
    expect(await isGone(made.id)).toBe(true);
    expect(await exists('container', own.id)).toBe(true);
    expect(await stage.main.do<RunEnd>('close')).toMatchObject({ failures: [], left: [], deadWorkers: 1 });
    expect(await exists('container', own.id)).toBe(false);
  });

  it('each run that a process opens is its own session, and closes the previous one', async () => {
    await using stage = await openRunStage(0);
    const { id } = await stage.main.do<Made>('make');
    const { session } = await stage.main.do<{ session: string }>('open');
    expect(session).not.toBe(stage.session);
    expect(await exists('container', id)).toBe(false);
    await stage.main.do('make');
    expect(await thingsOfSession(session)).toHaveLength(1);
    expect(await stage.main.do<RunEnd>('close')).toMatchObject({ failures: [], left: [] });
    expect(await thingsOfSession(session)).toEqual([]);
  });

  it('a killed run leaves no resources, neither its own nor those of its workers', async () => {
    await using stage = await openRunStage(2);
    await Promise.all([stage.main, ...stage.workers].map((one) => one.do<Made>('make')));
    expect(await thingsOfSession(stage.session)).toHaveLength(3);
    for (const one of [stage.main, ...stage.workers]) one.signal('SIGKILL');
    expect(await isAllGone(stage.session)).toBe(true);
  });

  // Ctrl-C reaches the workers, too.
  it.each([
    ['SIGINT', 1],
    ['SIGTERM', 0],
    ['SIGHUP', 0],
  ] as const)('a run cleans up at %s, and then dies by the signal', async (signal, workers) => {
    await using stage = await openRunStage(workers);
    const all = [stage.main, ...stage.workers];
    await Promise.all([stage.main, ...all].map((one) => one.do<Made>('make')));
    for (const one of all) one.signal(signal);
    expect(await stage.main.ended).toEqual({ code: null, signal });
    expect(await thingsOfSession(stage.session)).toEqual([]);
    expect(stage.main.stderr()).toContain(`castoff: ${signal}: removing the run's resources`);
    expect(stage.main.stderr()).toContain(`castoff: all gone (${all.length + 1} resources)\n`);
  });

  it('a second signal ends the run at once, and leaves its resources to the reaper', async () => {
    await using stage = await openRunStage(0);
    await stage.main.do('make');
    await stage.main.do('make');
    stage.main.signal('SIGINT');
    expect(await until(() => stage.main.stderr().includes("removing the run's resources"), 5_000, 1)).toBe(
      true,
    );
    stage.main.signal('SIGINT');
    expect(await stage.main.ended).toEqual({ code: null, signal: 'SIGINT' });
    expect(stage.main.stderr()).not.toContain('all gone');
    expect(await isAllGone(stage.session)).toBe(true);
  });

  it('a process that exits before its run has ended prints a message', async () => {
    await using stage = await openRunStage(0);
    await stage.main.do('make');
    await stage.main.do('exit', { code: 3 }).catch(() => undefined);
    expect(await stage.main.ended).toEqual({ code: 3, signal: null });
    expect(stage.main.stderr()).toContain(
      "castoff: this process exits before its run has ended; the run's resources are left to the reaper\n",
    );
    expect(await isAllGone(stage.session)).toBe(true);
  });

  it('a reaper removes the container of a synchronous docker command when the process exits right after it', async () => {
    await using stage = await openRunStage(0);
    await stage.main.do('command', { args: create, exitCode: 3 }).catch(() => undefined);
    expect(await stage.main.ended).toEqual({ code: 3, signal: null });
    expect(stage.main.stderr()).toContain("the run's resources are left to the reaper\n");
    expect(await isAllGone(stage.session)).toBe(true);
  });

  it('the container of a synchronous docker command stays until the run ends', async () => {
    await using stage = await openRunStage(0);
    const id = await stage.main.do<string>('command', { args: runDetached });
    await stage.main.do('ready');
    expect(await until(async () => (await thingsOfSession(stage.session)).length === 0, 1_500, lookMs)).toBe(
      false,
    );
    await stage.main.do('close');
    expect(await thingsOfSession(stage.session)).toEqual([]);
    expect(await exists('container', id)).toBe(false);
  });

  it('a process that exits without a reaper reports that its resources stay', async () => {
    await using stage = await openRunStage(0, { CASTOFF_REAPER: 'off' });
    await stage.main.do('command', { args: create, exitCode: 0 }).catch(() => undefined);
    expect(await stage.main.ended).toEqual({ code: 0, signal: null });
    expect(stage.main.stderr()).toContain(
      "the run's resources stay: no reaper holds them; npx castoff sweep removes them\n",
    );
    expect(await thingsOfSession(stage.session)).toHaveLength(1);
  });
});

describe('a run whose session cannot be opened', () => {
  it('a run without a session removes the container of a synchronous command, and fails with the reason', async () => {
    await using proxy = await openFaultProxy();
    const sync = { DOCKER_HOST: proxy.address, CASTOFF_REAPER: 'container' };
    await using main = await startRunProcess(sync);
    const { session } = await main.do<{ session: string }>('open', {});
    proxy.inject({
      on: `POST /containers/create?name=castoff-reaper-${session}`,
      fault: { type: 'answer', status: 500, message: 'no reapers today' },
      times: Infinity,
    });
    const id = await main.do<string>('command', { args: ['create', '--network', 'none', specImage] });
    await main.do('ready').catch(() => undefined);
    const end = await main.do<RunEnd>('close');
    expect(await exists('container', id)).toBe(false);
    expect(end).toMatchObject({ left: [], failures: [expect.stringContaining('no reapers today')] });
    expect(end.records).toMatchObject([{ kind: 'container', state: 'gone' }]);
    // The reaper of the command exits before the proxy, which it would wait for.
    const hasReaper = () => childrenOf(main.pid).some(({ command }) => command.includes('reaper-server.js'));
    expect(await until(() => !hasReaper(), 15_000, lookMs)).toBe(true);
  });
});
