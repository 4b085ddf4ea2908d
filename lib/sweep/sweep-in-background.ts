import { printWarning } from '../core/print';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { deadline } from '../core/deadline';
import { messageOf } from '../core/errors';
import { sweep, type SweepOptions } from './sweep';
import type { SweepReport } from './sweep-report';

/** A sweep that nobody waits for. */
export interface BackgroundSweep {
  /** Resolves when it has ended: to its report, or to `undefined` where it was cut short. It never rejects. */
  readonly ended: Promise<SweepReport | undefined>;
  /** Cuts it short; resolves when it has ended. A removal that was sent goes on. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Begins to remove what provably dead owners left, beside what the process does, and for so long at the most. What is not done
 * by then is left to the next sweep. What goes wrong is told in one warning of the process.
 *
 * `CASTOFF_SWEEP=off` in the environment: it does nothing.
 *
 * While it goes on it holds the process, as any call to an engine does: no longer than the limit, nor than until `stop()`.
 *
 * @param engine - The engine's address. Default: the one that the environment names.
 * @param options.limitMs - Default 1 000.
 */
export function sweepInBackground(
  engine: string | undefined,
  options: { readonly limitMs?: number | undefined } = {},
): BackgroundSweep {
  const stopping = new AbortController();
  const { limitMs = 1_000 } = options;
  const signal = deadline(limitMs, {
    what: 'sweep at the opening of a session',
    signal: stopping.signal,
  });
  const ended = sweepQuietly(signal, { engine, stuckMs: limitMs / 5 });
  return {
    ended,
    async stop() {
      stopping.abort();
      await ended;
    },
  };
}

async function sweepQuietly(
  signal: AbortSignal,
  options: Pick<SweepOptions, 'engine' | 'stuckMs'>,
): Promise<SweepReport | undefined> {
  if (process.env['CASTOFF_SWEEP'] === 'off') return undefined;
  try {
    // Whoever opens the session goes first.
    await nextTurn();
    const report = await sweep({ ...options, signal });
    const failed = report.things.filter(({ action }) => action === 'failed');
    if (failed.length > 0)
      warn(`${failed.length} of them could not be removed: ${messageOf(failed[0]?.error)}`);
    return report;
  } catch (error) {
    if (!signal.aborted) warn(messageOf(error));
    return undefined;
  }
}

function warn(reason: string): void {
  printWarning(
    `sweep what dead owners left: ${reason}; \`npx castoff sweep\` tells more`,
    'CASTOFF_SWEEP_FAILED',
  );
}
