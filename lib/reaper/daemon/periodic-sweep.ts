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

/** Sweeps once; stops when `signal` aborts. */
export type Sweep = (signal: AbortSignal) => Promise<{ readonly things: readonly Swept[] }>;

/** Options of {@link sweepPeriodically}. */
export interface PeriodicSweep {
  /** The pause between two sweeps, in milliseconds. */
  readonly everyMs: number;
  readonly sweep: Sweep;
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
async function repeat({ everyMs, sweep, write }: PeriodicSweep, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const [swept] = await Promise.allSettled([sweep(signal)]);
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
  if (action === 'removed')
    write({ level: 'INFO', message: 'swept', facts: { [kind]: name || id, id, session, proof } });
  if (action === 'failed')
    write({
      level: 'ERROR',
      message: 'not swept',
      facts: { [kind]: name || id, id, session, error: messageOf(error) },
    });
}
