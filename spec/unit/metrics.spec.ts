import { describe, expect, it } from '@jest/globals';
import { createMetrics, type Metrics } from '../../lib/reaper/daemon/metrics';
import type { ReaperEvent } from '../../lib/reaper/reaping/observer';
import type { ReaperSnapshot } from '../../lib/reaper/daemon/snapshot';
import { version } from '../../package.json';

const noneRemoved = { container: 0, network: 0, volume: 0, image: 0 };
const empty: ReaperSnapshot = {
  mode: 'daemon',
  startedAt: '2026-08-01T10:00:00.000Z',
  isDraining: false,
  connections: 0,
  leases: [],
  ending: [],
  watched: 0,
  removed: noneRemoved,
  left: [],
  failures: [],
};
const claim = { key: 'a=b', labels: ['a=b'] };

const audited = (
  outcome: Extract<ReaperEvent, { type: 'audited' }>['entry']['outcome'],
  kind: keyof typeof noneRemoved,
): ReaperEvent => ({
  type: 'audited',
  entry: { outcome, kind, id: '1', name: 'web', labels: {}, claim: 'a=b', lease: 'a client', durationMs: 1 },
});
const began = (run: number): ReaperEvent => ({ type: 'reap-began', run, claim, lastHolder: 'a client' });
const ended = (
  run: number,
  outcome: Extract<ReaperEvent, { type: 'reap-ended' }>['outcome'],
): ReaperEvent => ({
  type: 'reap-ended',
  run,
  claim,
  lastHolder: 'a client',
  outcome,
});
const report = { labels: ['a=b'], removed: noneRemoved, left: [], durationMs: 1_300 };

/** The rendered values after `events`, by series. */
const figuresAfter = async (
  events: readonly ReaperEvent[],
  snapshot: ReaperSnapshot = empty,
  metrics: Metrics = createMetrics(),
  isEngineUp = true,
): Promise<Readonly<Record<string, number>>> => {
  for (const event of events) metrics.observe(event);
  const text = await metrics.render(snapshot, isEngineUp);
  const series = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    series.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
};

describe('the metrics', () => {
  it('all start with castoff_reaper_, and count from 0', async () => {
    const figures = await figuresAfter([]);
    expect(Object.keys(figures).filter((name) => !name.startsWith('castoff_reaper_'))).toEqual([]);
    expect(figures).toMatchObject({
      'castoff_reaper_removed_total{kind="container"}': 0,
      'castoff_reaper_removal_failures_total{kind="volume"}': 0,
      'castoff_reaper_reap_duration_seconds_count{outcome="failed"}': 0,
      castoff_reaper_refused_lines_total: 0,
      [`castoff_reaper_build_info{version="${version}",node="${process.version}"}`]: 1,
    });
  });

  it('show the current state of the reaper', async () => {
    const lease = { id: 'lease-1', holder: 'a client', since: empty.startedAt };
    const figures = await figuresAfter([], {
      ...empty,
      isDraining: true,
      connections: 3,
      leases: [
        { ...lease, claims: [['a=b'], ['c=d']] },
        { ...lease, id: 'lease-2', claims: [['a=b']] },
      ],
      ending: [
        { labels: ['e=f'], lastHolder: 'a client', phase: 'lapsing', dueInMs: 10 },
        { labels: ['g=h'], lastHolder: 'a client', phase: 'reaping' },
      ],
    });
    expect(figures).toMatchObject({
      castoff_reaper_connections: 3,
      castoff_reaper_leases: 2,
      castoff_reaper_claims: 3,
      castoff_reaper_lapsing_claims: 1,
      castoff_reaper_draining: 1,
    });
  });

  it('show whether the engine answers', async () => {
    expect(await figuresAfter([])).toMatchObject({ castoff_reaper_engine_up: 1 });
    const down = await figuresAfter([], empty, createMetrics(), false);
    expect(down).toMatchObject({ castoff_reaper_engine_up: 0 });
  });

  it('count removed and left resources by kind, and no other outcome', async () => {
    const figures = await figuresAfter([
      audited('removed', 'container'),
      audited('removed', 'container'),
      audited('removed', 'image'),
      audited('left', 'volume'),
      audited('would-remove', 'container'),
      audited('already-gone', 'container'),
      audited('removed-elsewhere', 'network'),
    ]);
    expect(figures).toMatchObject({
      'castoff_reaper_removed_total{kind="container"}': 2,
      'castoff_reaper_removed_total{kind="network"}': 0,
      'castoff_reaper_removed_total{kind="image"}': 1,
      'castoff_reaper_removal_failures_total{kind="container"}': 0,
      'castoff_reaper_removal_failures_total{kind="volume"}': 1,
    });
  });

  it('measure the duration of each reaping, by outcome', async () => {
    const left = [{ kind: 'volume', id: '1', name: 'data', reason: 'in use' }] as const;
    const figures = await figuresAfter([
      began(1),
      began(2),
      began(3),
      began(4),
      began(5),
      ended(1, { type: 'reaped', report }),
      ended(2, { type: 'reaped', report: { ...report, left } }),
      ended(3, { type: 'stopped' }),
      ended(4, { type: 'failed', reason: 'no engine' }),
      // Stopped while it was queued.
      ended(6, { type: 'stopped' }),
    ]);
    const count = (outcome: string) =>
      figures[`castoff_reaper_reap_duration_seconds_count{outcome="${outcome}"}`];
    expect(['reaped', 'incomplete', 'stopped', 'failed'].map(count)).toEqual([1, 1, 1, 1]);
    expect(figures['castoff_reaper_reapings_in_progress']).toBe(1);
  });

  it('count refused lines and connections', async () => {
    const from = '127.0.0.1:1';
    const figures = await figuresAfter([
      { type: 'line-refused', from, reason: 'no label' },
      { type: 'line-refused', from, reason: 'no label' },
      { type: 'connection-refused', from, reason: '1000 clients are connected already' },
    ]);
    expect(figures).toMatchObject({
      castoff_reaper_refused_lines_total: 2,
      castoff_reaper_refused_connections_total: 1,
    });
  });

  it('are separate for two reapers in one process', async () => {
    const other = createMetrics();
    await figuresAfter([audited('removed', 'container')]);
    expect(await figuresAfter([], empty, other)).toMatchObject({
      'castoff_reaper_removed_total{kind="container"}': 0,
    });
  });
});
