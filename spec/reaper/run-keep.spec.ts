import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connectEngine } from '../../lib/engine/connect';
import { cleanupSession } from '../../lib/index';
import type { RunEnd } from '../../lib/verdict/verdict';
import { startRetention } from '../../lib/run/start-retention';
import { findProcesses } from '../support/close-engine';
import { openCutRelay } from '../support/cut-relay';
import { removeLeftovers } from '../support/leftovers';
import { createLabelled, deadOwner, labelsOf, someSession } from '../support/owned-things';
import { openReaperFolder } from '../support/session-child';
import { openRunStage, type Made, type RunStage } from '../support/run-stage';
import { docker, exists } from '../support/things';
import { until } from '../support/until';

const goneTimeoutMs = 15_000;
const sessions: string[] = [];

/** The retention processes of a session, found by their argument. */
const retainersOf = (session: string): readonly number[] => findProcesses(`"session":"${session}"`);
const isGone = (id: string): Promise<boolean> =>
  until(async () => !(await exists('container', id)), goneTimeoutMs, 50);
const haveEnded = (session: string): Promise<boolean> =>
  until(() => retainersOf(session).length === 0, goneTimeoutMs, 200);

afterAll(async () => {
  for (const session of sessions) for (const pid of retainersOf(session)) process.kill(pid, 'SIGKILL');
  await removeLeftovers();
});

/** Creates two containers, in a worker if there is one, keeps one of them, and closes the run. */
async function keepOne(stage: RunStage) {
  sessions.push(stage.session);
  const [worker] = stage.workers;
  const maker = worker ?? stage.main;
  const other = await maker.do<Made>('make');
  const kept = await maker.do<Made>('make', { scope: 'a.test.js/fails', state: 'kept' });
  await worker?.leave();
  const end = await stage.main.do<RunEnd>('close');
  const words = await stage.main.do<string>('words', { records: end.records });
  await stage.main.leave();
  return { other, kept, end, words };
}

describe('the kept container of a failed test', () => {
  it.each([
    ['process', 1],
    ['container', 0],
    ['off', 0],
  ])(
    'a kept container stays after the run, with the reaper %s, until its retention process is ended',
    async (reaper, workers) => {
      await using stage = await openRunStage(workers, { CASTOFF_REAPER: reaper });
      const { other, kept, end } = await keepOne(stage);
      expect(end).toMatchObject({ failures: [], left: [], deadWorkers: workers });
      expect(end.records.find(({ id }) => id === kept.id)).toMatchObject({ state: 'kept' });
      expect(await exists('container', other.id)).toBe(false);
      // Without retention, it would be reaped half a second after the run's end.
      expect(await until(async () => !(await exists('container', kept.id)), 1_500, 100)).toBe(false);
      const [retainer, ...more] = retainersOf(stage.session);
      expect(more).toEqual([]);
      process.kill(retainer!, 'SIGTERM');
      expect(await isGone(kept.id)).toBe(true);
      expect(await haveEnded(stage.session)).toBe(true);
    },
  );

  it('a cleanup of its dead session removes a kept container', async () => {
    await using stage = await openRunStage(0, { CASTOFF_REAPER: 'container' });
    const { kept } = await keepOne(stage);
    await cleanupSession(stage.session);
    expect(await exists('container', kept.id)).toBe(false);
    process.kill(retainersOf(stage.session)[0]!, 'SIGTERM');
    expect(await haveEnded(stage.session)).toBe(true);
  });
});

describe('the kept container of a run that has ended', () => {
  let stage: RunStage;
  let kept: Made;
  let words: string;
  beforeAll(async () => {
    stage = await openRunStage(0);
    ({ kept, words } = await keepOne(stage));
  });
  afterAll(async () => stage[Symbol.asyncDispose]());

  it('the run prints the commands to inspect and remove a kept container', async () => {
    const short = kept.id.slice(0, 12);
    expect(words).toBe(
      [
        `castoff: kept for failed tests, for 1 h or until a later run or 'npx castoff sweep' removes them (session ${stage.session}):`,
        `  container ${short}: a.test.js/fails, a.test.js:1`,
        `    docker logs ${short}`,
        `    docker exec -it ${short} sh`,
        '  to remove them now:',
        `    docker rm -f -v ${short}`,
        '',
      ].join('\n'),
    );
  });

  it('a kept container is removed when its retention process is killed', async () => {
    process.kill(retainersOf(stage.session)[0]!, 'SIGKILL');
    expect(await isGone(kept.id)).toBe(true);
  });
});

describe('a retention process', () => {
  it('a retention process removes its resources when the time expires, and exits', async () => {
    const session = someSession();
    sessions.push(session);
    const id = await createLabelled(docker, labelsOf(session, deadOwner()));
    await startRetention(await connectEngine(), { session, owner: deadOwner(), forMs: 1_000 });
    expect(await exists('container', id)).toBe(true);
    expect(await isGone(id)).toBe(true);
    expect(await haveEnded(session)).toBe(true);
  });

  it('a retention process exits when its resources were removed elsewhere', async () => {
    const session = someSession();
    sessions.push(session);
    const id = await createLabelled(docker, labelsOf(session, deadOwner()));
    await startRetention(await connectEngine(), { session, owner: deadOwner(), checkIntervalMs: 100 });
    expect(await until(() => retainersOf(session).length === 0, 1_000, 200)).toBe(false);
    await docker.getContainer(id).remove({ force: true });
    expect(await haveEnded(session)).toBe(true);
  });

  it('a retention process that is ended while its engine is away exits, and leaves its resources to the reaper', async () => {
    const session = someSession();
    sessions.push(session);
    const id = await createLabelled(docker, labelsOf(session, deadOwner()));
    await using relay = await openCutRelay();
    // Its reaper must exit before the relay closes: without an engine, it would wait for ten minutes.
    await using reaperFolder = await openReaperFolder();
    const { TMPDIR: before } = process.env;
    process.env['TMPDIR'] = reaperFolder.folder;
    await startRetention(await connectEngine(relay.address), {
      session,
      owner: deadOwner(),
      checkIntervalMs: 100,
    });
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
    expect(reaperFolder.hosts().length).toBeGreaterThan(0);
    const [retainer] = retainersOf(session);
    relay.hold();
    process.kill(retainer!, 'SIGTERM');
    expect(await haveEnded(session)).toBe(true);
    relay.release();
    expect(await isGone(id)).toBe(true);
  });
});
