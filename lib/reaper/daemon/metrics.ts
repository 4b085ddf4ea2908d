import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { packageVersion } from '../../core/package-version';
import { removableKinds } from '../../core/kinds';
import type { Observer, ReapOutcome } from '../reaping/observer';
import type { ReaperSnapshot } from './snapshot';

/** Metrics of one reaper, in Prometheus' text format. */
export interface Metrics {
  /** Counts events. */
  readonly observe: Observer;
  /** Renders the counts so far, and the state: of the reaper, and whether its engine answers. */
  render(snapshot: ReaperSnapshot, isEngineUp: boolean): Promise<string>;
  /** Content type of the rendered text. */
  readonly type: string;
}

/**
 * In seconds. Two empty listings take 1.25 s, the minimum; an engine removes about fifteen resources a
 * second.
 */
const durationBuckets = [1, 1.5, 2, 3, 5, 10, 30, 60, 300, 600];
const outcomes = ['reaped', 'incomplete', 'stopped', 'failed'] as const;

/** Creates the metrics. Every series exists from the start, at 0. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const gauge = (name: string, help: string) =>
    new Gauge({ name: `castoff_reaper_${name}`, help, registers });
  const counter = <T extends string>(name: string, help: string, labelNames: readonly T[] = []) =>
    new Counter({ name: `castoff_reaper_${name}`, help, labelNames, registers });

  new Gauge({
    name: 'castoff_reaper_build_info',
    help: 'Always 1; labelled with the versions of castoff and Node.js.',
    labelNames: ['version', 'node'],
    registers,
  }).set({ version: packageVersion, node: process.version }, 1);
  gauge('start_time_seconds', 'Start time, in seconds since 1970.').set(
    Math.round(performance.timeOrigin) / 1_000,
  );
  const connections = gauge('connections', 'Connected clients, including those without a lease.');
  const leases = gauge('leases', 'Open leases.');
  const claims = gauge('claims', 'Held claims, counted once per lease that holds them.');
  const inGracePeriod = gauge('lapsing_claims', 'Claims without a lease, in their grace period.');
  const reapings = gauge('reapings_in_progress', 'Claims being reaped.');
  const draining = gauge('draining', '1 while shutting down: no new clients are accepted.');
  const engineUp = gauge('engine_up', '1 while the engine answers.');
  const removed = counter('removed_total', 'Resources removed.', ['kind']);
  const failures = counter('removal_failures_total', 'Resources that could not be removed.', ['kind']);
  const refusedLines = counter('refused_lines_total', 'Lines refused.');
  const refusedClients = counter('refused_connections_total', 'Connections refused.');
  const durations = new Histogram({
    name: 'castoff_reaper_reap_duration_seconds',
    help: 'Duration of reaping one claim, until a listing is empty, in seconds.',
    labelNames: ['outcome'],
    buckets: durationBuckets,
    registers,
  });
  for (const kind of removableKinds) {
    removed.inc({ kind }, 0);
    failures.inc({ kind }, 0);
  }
  for (const outcome of outcomes) durations.zero({ outcome });

  const startedAtMs = new Map<number, number>();
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
      if (event.type === 'reap-began') startedAtMs.set(event.run, performance.now());
      if (event.type === 'reap-ended') {
        const started = startedAtMs.get(event.run);
        startedAtMs.delete(event.run);
        // Stopped while it was queued.
        if (started === undefined) return;
        durations.observe({ outcome: outcomeOf(event.outcome) }, (performance.now() - started) / 1_000);
      }
    },
    async render(snapshot, isEngineUp) {
      connections.set(snapshot.connections);
      leases.set(snapshot.leases.length);
      claims.set(snapshot.leases.reduce((sum, lease) => sum + lease.claims.length, 0));
      inGracePeriod.set(snapshot.ending.filter(({ phase }) => phase === 'lapsing').length);
      reapings.set(startedAtMs.size);
      engineUp.set(isEngineUp ? 1 : 0);
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
