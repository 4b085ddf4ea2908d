import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../core/errors';
import { maxTimerMs } from '../../core/durations';
import type { LogEntry } from './log-line';

/** A resource in the report of a sweep. */
interface Swept {
  readonly kind: string;
  readonly id: string;
  readonly name: string;
  readonly session: string;
  readonly proof: string;
  readonly action: string;
  readonly error?: Error | undefined;
}

/** Sweeps once; stops when `signal` aborts. With `dryRun`, it removes nothing. */
export type Sweep = (options: {
  readonly signal: AbortSignal;
  readonly dryRun: boolean;
}) => Promise<{ readonly things: readonly Swept[] }>;

/** Options of {@link sweepPeriodically}. */
export interface PeriodicSweep {
  /** The pause between two sweeps, in milliseconds. */
  readonly everyMs: number;
  readonly sweep: Sweep;
  /** Whether only to log what would be removed. */
  readonly isDryRun: boolean;
  /** Receives a line for each resource that was removed or could not be, and for each sweep that failed. */
  readonly write: (line: LogEntry) => void;
}

/** Sweeps at once, and again after each pause. A sweep that fails is logged; the next one is tried. */
export function sweepPeriodically(options: PeriodicSweep): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const sweeping = repeat(options, stopping.signal);
  return {
    async stop() {
      stopping.abort();
      await sweeping;
    },
  };
}

/** Resolves once `signal` has aborted; never rejects. */
async function repeat(
  { everyMs, sweep, isDryRun, write }: PeriodicSweep,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const [swept] = await Promise.allSettled([sweep({ signal, dryRun: isDryRun })]);
    if (swept.status === 'fulfilled') for (const resource of swept.value.things) logSwept(resource, write);
    else if (!signal.aborted)
      write({ level: 'ERROR', message: 'sweep failed', facts: { error: messageOf(swept.reason) } });
    // Rejects when the signal aborts.
    await Promise.allSettled([delay(Math.min(everyMs, maxTimerMs), undefined, { signal })]);
  }
}

function logSwept(
  { kind, id, name, session, proof, action, error }: Swept,
  write: PeriodicSweep['write'],
): void {
  if (action === 'removed' || action === 'would-remove')
    write({
      level: 'INFO',
      message: action === 'removed' ? 'swept' : 'would sweep',
      facts: { [kind]: name || id, id, session, proof },
    });
  if (action === 'failed')
    write({
      level: 'ERROR',
      message: 'not swept',
      facts: { [kind]: name || id, id, session, error: messageOf(error) },
    });
}
