import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { packageVersion } from '../../core/package-version';
import type { Observer, ReapOutcome } from '../reaping/observer';
import type { ReaperSnapshot } from './snapshot';

/** Figures about one reaper, in Prometheus' text format. */
export interface Metrics {
  /** Counts what happens. */
  readonly observe: Observer;
  /** Everything, with what stands in `snapshot`. */
  render(snapshot: ReaperSnapshot): Promise<string>;
  /** The content type of what is rendered. */
  readonly type: string;
}

/** Two looks that find nothing, 1.25 s, are the least; the engine removes some fifteen things a second. */
const durationBuckets = [1, 1.5, 2, 3, 5, 10, 30, 60, 300, 600];
const kinds = ['container', 'network', 'volume', 'image'] as const;
const outcomes = ['reaped', 'incomplete', 'stopped', 'failed'] as const;

/** Nothing is counted before; every series that will ever be there is there from the start, at 0. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const gauge = (name: string, help: string) =>
    new Gauge({ name: `castoff_reaper_${name}`, help, registers });
  const counter = <T extends string>(name: string, help: string, labelNames: readonly T[] = []) =>
    new Counter({ name: `castoff_reaper_${name}`, help, labelNames, registers });

  new Gauge({
    name: 'castoff_reaper_build_info',
    help: '1, with the versions of castoff and Node.',
    labelNames: ['version', 'node'],
    registers,
  }).set({ version: packageVersion, node: process.version }, 1);
  gauge('start_time_seconds', 'When it started, in seconds since 1970.').set(
    Math.round(performance.timeOrigin) / 1_000,
  );
  const connections = gauge('connections', 'Connected clients, those without a lease among them.');
  const leases = gauge('leases', 'Leases that are held.');
  const claims = gauge('claims', 'Claims that are held, counted once for each lease that holds them.');
  const lapsing = gauge(
    'lapsing_claims',
    "Claims that nobody holds, and whose holder's return is waited for.",
  );
  const reapings = gauge('reapings_in_progress', 'Claims that are being reaped.');
  const draining = gauge('draining', '1: nobody new is served, and it ends with its last client.');
  const removed = counter('removed_total', 'Things that it removed.', ['kind']);
  const failures = counter('removal_failures_total', 'Things that it could not remove, and gave up.', [
    'kind',
  ]);
  const refusedLines = counter('refused_lines_total', 'Lines of clients that were refused.');
  const refusedClients = counter('refused_connections_total', 'Clients for whom there was no place.');
  const durations = new Histogram({
    name: 'castoff_reaper_reap_duration_seconds',
    help: 'How long the reaping of one claim took, from its beginning until nothing more was found, in seconds.',
    labelNames: ['outcome'],
    buckets: durationBuckets,
    registers,
  });
  for (const kind of kinds) {
    removed.inc({ kind }, 0);
    failures.inc({ kind }, 0);
  }
  for (const outcome of outcomes) durations.zero({ outcome });

  const beganAtMs = new Map<number, number>();
  return {
    type: registry.contentType,
    observe(event) {
      if (event.type === 'audited') {
        const { outcome, kind } = event.entry;
        if (outcome === 'removed') removed.inc({ kind });
        if (outcome === 'left') failures.inc({ kind });
      }
      if (event.type === 'line-refused') refusedLines.inc();
      if (event.type === 'connection-refused') refusedClients.inc();
      if (event.type === 'reap-began') beganAtMs.set(event.run, performance.now());
      if (event.type === 'reap-ended') {
        const began = beganAtMs.get(event.run);
        beganAtMs.delete(event.run);
        // One that was stopped before its turn has not begun.
        if (began === undefined) return;
        durations.observe({ outcome: outcomeOf(event.outcome) }, (performance.now() - began) / 1_000);
      }
    },
    async render(snapshot) {
      connections.set(snapshot.connections);
      leases.set(snapshot.leases.length);
      claims.set(snapshot.leases.reduce((sum, lease) => sum + lease.claims.length, 0));
      lapsing.set(snapshot.ending.filter(({ phase }) => phase === 'lapsing').length);
      reapings.set(beganAtMs.size);
      draining.set(snapshot.isDraining ? 1 : 0);
      return registry.metrics();
    },
  };
}

function outcomeOf(outcome: ReapOutcome): (typeof outcomes)[number] {
  if (outcome.type !== 'reaped') return outcome.type;
  const { left, cutShort } = outcome.report;
  return left.length > 0 || cutShort !== undefined ? 'incomplete' : 'reaped';
}
