import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { cleanupSession } from '../../lib/index';
import type { RunEnd } from '../../lib/verdict/verdict';
import { removeLeftovers } from '../support/leftovers';
import { openReaperFolder, reapersOfSession } from '../support/session-child';
import { openRunStage, type Made, type RunStage } from '../support/run-stage';
import { specImage } from '../support/spec-image';
import { docker, exists, specLabel } from '../support/things';
import { until } from '../support/until';

const goneTimeoutMs = 15_000;

const isGone = (id: string): Promise<boolean> =>
  until(async () => !(await exists('container', id)), goneTimeoutMs, 50);

afterAll(() => removeLeftovers());

/** Creates two containers, in a worker if there is one, keeps one of them, and closes the run. */
async function keepOne(stage: RunStage) {
  const [worker] = stage.workers;
  const maker = worker ?? stage.main;
  const other = await maker.do<Made>('make');
  const kept = await maker.do<Made>('make', { scope: 'a.test.js/fails', state: 'kept' });
  await worker?.leave();
  const end = await stage.main.do<RunEnd>('close');
  const words = await stage.main.do<string>('words', end);
  await stage.main.leave();
  return { other, kept, end, words };
}

/** Opens a run with a host process of its own. */
async function openWithProcess(workers: number) {
  const stack = new AsyncDisposableStack();
  const { folder, hosts } = stack.use(await openReaperFolder());
  const stage = stack.use(await openRunStage(workers, { CASTOFF_REAPER: 'process', TMPDIR: folder }));
  return { stage, hosts, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

async function expectKept({ other, kept, end }: Awaited<ReturnType<typeof keepOne>>): Promise<void> {
  expect(end).toMatchObject({ failures: [], left: [] });
  expect(end.records.find(({ id }) => id === kept.id)).toMatchObject({ state: 'kept' });
  expect(await exists('container', other.id)).toBe(false);
  // Without retention, it would be reaped half a second after the run's end.
  expect(await until(async () => !(await exists('container', kept.id)), 1_500, 100)).toBe(false);
}

describe('the kept container of a failed test', () => {
  it('a kept container stays after the run, until the reaper process is asked to shut down', async () => {
    await using opened = await openWithProcess(1);
    const ended = await keepOne(opened.stage);
    expect(ended.end).toMatchObject({ deadWorkers: 1, isRetained: true });
    await expectKept(ended);
    const [host, ...more] = opened.hosts();
    expect(more).toEqual([]);
    process.kill(host!, 'SIGTERM');
    expect(await isGone(ended.kept.id)).toBe(true);
    expect(await until(() => opened.hosts().length === 0, goneTimeoutMs, 200)).toBe(true);
  });

  it('a kept container stays after the run, until the reaper container is stopped', async () => {
    await using stage = await openRunStage(0, { CASTOFF_REAPER: 'container' });
    const ended = await keepOne(stage);
    expect(ended.end.isRetained).toBe(true);
    await expectKept(ended);
    const [reaper, ...more] = await reapersOfSession(stage.session);
    expect(more).toEqual([]);
    await docker.getContainer(reaper!.Id).stop();
    expect(await isGone(ended.kept.id)).toBe(true);
    expect(await isGone(reaper!.Id)).toBe(true);
  });

  it('a kept container stays after a run that holds its lease by itself, for a synchronous command', async () => {
    await using stage = await openRunStage(0, { CASTOFF_REAPER: 'process' });
    const labels = Object.entries(specLabel).map(([name, value]) => `--label=${name}=${value}`);
    const args = ['create', '--network', 'none', ...labels, specImage];
    const id = await stage.main.do<string>('command', { args });
    await stage.main.do('keep', { id });
    const end = await stage.main.do<RunEnd>('close');
    expect(end).toMatchObject({ failures: [], left: [], isRetained: true });
    await stage.main.leave();
    expect(await until(async () => !(await exists('container', id)), 1_500, 100)).toBe(false);
    await cleanupSession(stage.session);
    expect(await exists('container', id)).toBe(false);
  });

  it('a cleanup of its dead session removes a kept container, and its reaper then exits', async () => {
    await using stage = await openRunStage(0, { CASTOFF_REAPER: 'container' });
    const { kept } = await keepOne(stage);
    const [reaper] = await reapersOfSession(stage.session);
    await cleanupSession(stage.session);
    expect(await exists('container', kept.id)).toBe(false);
    // It checks every 30 s.
    expect(await until(async () => !(await exists('container', reaper!.Id)), 45_000, 1_000)).toBe(true);
  });

  it('a kept container whose reaper was killed stays until the cleanup of its session', async () => {
    await using opened = await openWithProcess(0);
    const ended = await keepOne(opened.stage);
    process.kill(opened.hosts()[0]!, 'SIGKILL');
    await expectKept(ended);
    await cleanupSession(opened.stage.session);
    expect(await exists('container', ended.kept.id)).toBe(false);
  });
});

describe('the message about a kept container', () => {
  let stage: RunStage;
  let kept: Made;
  let words: string;
  let ended: Awaited<ReturnType<typeof keepOne>>;
  beforeAll(async () => {
    stage = await openRunStage(0, { CASTOFF_REAPER: 'off' });
    ended = await keepOne(stage);
    ({ kept, words } = ended);
  });
  afterAll(async () => stage[Symbol.asyncDispose]());

  it('names the commands to inspect and remove it, and without a reaper no time', () => {
    const short = kept.id.slice(0, 12);
    expect(words).toBe(
      [
        `castoff: kept for failed tests, until a later run or 'npx castoff sweep' removes them (session ${stage.session}):`,
        `  container ${short}: a.test.js/fails, a.test.js:1`,
        `    docker logs ${short}`,
        `    docker exec -it ${short} sh`,
        '  to remove them now:',
        `    docker rm -f -v ${short}`,
        '',
      ].join('\n'),
    );
  });

  it('is true: the container stays until the cleanup of its session', async () => {
    expect(ended.end.isRetained).toBe(false);
    await expectKept(ended);
    await cleanupSession(stage.session);
    expect(await exists('container', kept.id)).toBe(false);
  });
});
