import { setImmediate as nextTurn } from 'node:timers/promises';
import { deadline } from '../core/deadline';
import { messageOf } from '../core/errors';
import { warn } from '../core/warnings';
import { readVariable } from '../core/environment';
import { sweep, type SweepOptions } from './sweep';
import type { SweepReport } from './sweep-report';

interface BackgroundSweep {
  /**
   * Resolves when it has finished: to its report, or to `undefined` when it was stopped or timed out. Never
   * rejects.
   */
  readonly ended: Promise<SweepReport | undefined>;
  /**
   * Stops it, and resolves when it has finished. A removal request already sent continues on the engine.
   * Idempotent.
   */
  stop(): Promise<void>;
}

/**
 * Starts to remove what provably dead owners left, for at most `options.limitMs`; the next sweep continues.
 * Prints one warning when it fails.
 *
 * Does nothing when the environment has `CASTOFF_SWEEP=off`. Keeps the process alive while it runs, until the
 * limit or `stop()` at the latest.
 *
 * @param engine - The engine's address. Default: the engine that the environment names.
 * @param options.limitMs - In milliseconds. Default 1 000.
 */
export function sweepInBackground(
  engine: string | undefined,
  options: { readonly limitMs?: number | undefined } = {},
): BackgroundSweep {
  const stopping = new AbortController();
  const { limitMs = 1_000 } = options;
  const signal = deadline(limitMs, { what: 'sweep when a session opens', signal: stopping.signal });
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
  if (readVariable('CASTOFF_SWEEP') === 'off') return undefined;
  try {
    // Lets the caller, which opens the session, go first.
    await nextTurn();
    const report = await sweep({ ...options, signal });
    const failed = report.things.filter(({ action }) => action === 'failed');
    if (failed.length > 0)
      warnFailed(`${failed.length} resources could not be removed: ${messageOf(failed[0]?.error)}`);
    return report;
  } catch (error) {
    if (!signal.aborted) warnFailed(messageOf(error));
    return undefined;
  }
}

function warnFailed(reason: string): void {
  warn(
    'CASTOFF_SWEEP_FAILED',
    `sweep what dead owners left: ${reason}; run \`npx castoff sweep\` for details`,
  );
}
