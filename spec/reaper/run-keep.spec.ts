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

// Its order, which is its argument, names the session.
const keepersOf = (session: string): readonly number[] => findProcesses(`"session":"${session}"`);
const isGone = (id: string): Promise<boolean> =>
  until(async () => !(await exists('container', id)), goneTimeoutMs, 50);
const haveEnded = (session: string): Promise<boolean> =>
  until(() => keepersOf(session).length === 0, goneTimeoutMs, 200);

afterAll(async () => {
  for (const session of sessions) for (const pid of keepersOf(session)) process.kill(pid, 'SIGKILL');
  await removeLeftovers();
});

/** A run that has kept one of two containers, of a worker if it has one, and is closed. */
async function keepOne(stage: RunStage) {
  sessions.push(stage.session);
  const [worker] = stage.workers;
  const maker = worker ?? stage.main;
  const other = await maker.do<Made>('make');
  const kept = await maker.do<Made>('make', { scope: 'a.test.js/fails', state: 'kept' });
  await worker?.leave();
  const end = await stage.main.do<RunEnd>('close');
  const words = await stage.main.do<string>('words', { things: end.things });
  await stage.main.leave();
  return { other, kept, end, words };
}

describe('what a failed test has', () => {
  it.each([
    ['process', 1],
    ['container', 0],
    ['off', 0],
  ])(
    'is kept after the run, with the reaper as %s, and goes when its keeper is ended',
    async (reaper, workers) => {
      await using stage = await openRunStage(workers, { CASTOFF_REAPER: reaper });
      const { other, kept, end } = await keepOne(stage);
      expect(end).toMatchObject({ failures: [], left: [], deadWorkers: workers });
      expect(end.things.find(({ id }) => id === kept.id)).toMatchObject({ state: 'kept' });
      expect(await exists('container', other.id)).toBe(false);
      // What had to reap it would have, half a second after the run's end.
      expect(await until(async () => !(await exists('container', kept.id)), 1_500, 100)).toBe(false);
      const [keeper, ...more] = keepersOf(stage.session);
      expect(more).toEqual([]);
      process.kill(keeper!, 'SIGTERM');
      expect(await isGone(kept.id)).toBe(true);
      expect(await haveEnded(stage.session)).toBe(true);
    },
  );

  it('is what somebody who cleans up after dead owners may take, though it has a keeper', async () => {
    await using stage = await openRunStage(0, { CASTOFF_REAPER: 'container' });
    const { kept } = await keepOne(stage);
    await cleanupSession(stage.session);
    expect(await exists('container', kept.id)).toBe(false);
    process.kill(keepersOf(stage.session)[0]!, 'SIGTERM');
    expect(await haveEnded(stage.session)).toBe(true);
  });
});

describe('what a failed test has, of a run that is over', () => {
  let stage: RunStage;
  let kept: Made;
  let words: string;
  beforeAll(async () => {
    stage = await openRunStage(0);
    ({ kept, words } = await keepOne(stage));
  });
  afterAll(async () => stage[Symbol.asyncDispose]());

  it('is told of with how to reach it and how to remove it', async () => {
    const short = kept.id.slice(0, 12);
    expect(words).toBe(
      [
        `castoff: kept of the tests that failed, for 1 h, or until a later run or 'npx castoff sweep' removes it (session ${stage.session}):`,
        `  container ${short}: a.test.js/fails, a.test.js:1`,
        `    docker logs ${short}`,
        `    docker exec -it ${short} sh`,
        '  to remove it now:',
        `    docker rm -f -v ${short}`,
        '',
      ].join('\n'),
    );
  });

  it('goes when its keeper is killed', async () => {
    process.kill(keepersOf(stage.session)[0]!, 'SIGKILL');
    expect(await isGone(kept.id)).toBe(true);
  });
});

describe('a keeper', () => {
  it('removes what it keeps when the time is over, and ends', async () => {
    const session = someSession();
    sessions.push(session);
    const id = await createLabelled(docker, labelsOf(session, deadOwner()));
    await startRetention(await connectEngine(), { session, owner: deadOwner(), forMs: 1_000 });
    expect(await exists('container', id)).toBe(true);
    expect(await isGone(id)).toBe(true);
    expect(await haveEnded(session)).toBe(true);
  });

  it('ends when others have removed what it keeps', async () => {
    const session = someSession();
    sessions.push(session);
    const id = await createLabelled(docker, labelsOf(session, deadOwner()));
    await startRetention(await connectEngine(), { session, owner: deadOwner(), lookMs: 100 });
    expect(await until(() => keepersOf(session).length === 0, 1_000, 200)).toBe(false);
    await docker.getContainer(id).remove({ force: true });
    expect(await haveEnded(session)).toBe(true);
  });

  it('that is asked to end while its engine is away ends, and leaves the rest to the reaper', async () => {
    const session = someSession();
    sessions.push(session);
    const id = await createLabelled(docker, labelsOf(session, deadOwner()));
    await using relay = await openCutRelay();
    // Its reaper has to end before the relay does: without an engine it would wait for ten minutes.
    await using reaperFolder = await openReaperFolder();
    const { TMPDIR: before } = process.env;
    process.env['TMPDIR'] = reaperFolder.folder;
    await startRetention(await connectEngine(relay.address), { session, owner: deadOwner(), lookMs: 100 });
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
    expect(reaperFolder.hosts().length).toBeGreaterThan(0);
    const [keeper] = keepersOf(session);
    relay.hold();
    process.kill(keeper!, 'SIGTERM');
    expect(await haveEnded(session)).toBe(true);
    relay.release();
    expect(await isGone(id)).toBe(true);
  });
});
