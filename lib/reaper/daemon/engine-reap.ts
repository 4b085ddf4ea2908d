import { maxTimerMs } from '../../core/durations';
import { connectEngine } from '../../engine/connect';
import type { Engine } from '../../engine/engine';
import { waitForEngine } from './engine-return';
import type { ReaperMode } from '../leases/shutdown-policy';
import { hasNewerReaper } from './newer-reaper';
import type { Observer } from '../reaping/observer';
import { reapClaim } from '../reaping/reap';
import { ReapSkipped, type Reap } from '../reaping/reap-jobs';
import type { ReaperSettings } from './settings';

export type EngineReapSettings = Pick<
  ReaperSettings,
  | 'changesRetryIntervalMs'
  | 'isDryRun'
  | 'maxRemovals'
  | 'reconnectionTimeoutMs'
  | 'removeRetries'
  | 'requestTimeoutMs'
>;

export interface EngineReapOptions {
  readonly mode: ReaperMode;
  readonly settings: EngineReapSettings;
  readonly observe: Observer;
  readonly connect?: (() => Promise<Engine>) | undefined;
}

/** What a client that has just died had asked for comes this soon; the look after it takes the setting's time. */
const firstSettlePauseMs = 250;
const engineTimeoutMs = 600_000;
/** A late look only covers what may have appeared since: with an engine that stays away it is over. */
const lateEngineTimeoutMs = 10_000;
/** Castoff's own clients come back this soon. */
const ownReturnWindowMs = 2_000;

/** Reaps on the engine that `connect` finds; it is looked for when something is to be reaped, and not before. */
export function reapOnEngine({ mode, settings, observe, connect = connectEngine }: EngineReapOptions): Reap {
  const isOurs = mode === 'attached' || mode === 'host';
  const settlePausesMs = [firstSettlePauseMs, Math.min(settings.changesRetryIntervalMs, maxTimerMs)];
  const requestTimeoutMs = Math.min(settings.requestTimeoutMs, maxTimerMs);
  return async (claim, { lastHolder, sinceMs, isLate, signal, endSoon }) => {
    const mostAwayMs = isLate ? lateEngineTimeoutMs : engineTimeoutMs;
    const engine = await waitForEngine({
      connect,
      requestTimeoutMs,
      engineTimeoutMs: mostAwayMs,
      returnWindowMs: isOurs ? ownReturnWindowMs : Math.min(settings.reconnectionTimeoutMs, maxTimerMs),
      signal: AbortSignal.any([signal, endSoon]),
      onAway: (reason) =>
        observe({ type: 'noted', text: `wait for the engine, to reap ${claim.key}: ${reason}` }),
    });
    if (mode === 'attached' && (await hasNewerReaper(engine, { signal })))
      throw new ReapSkipped(`its session has a newer reaper: ${claim.key} is left to that one`);
    return reapClaim(engine, claim, {
      lastHolder,
      signal,
      endSoon,
      requestTimeoutMs,
      engineTimeoutMs: mostAwayMs,
      mostTries: Math.max(1, settings.removeRetries),
      settlePausesMs: isLate ? [] : settlePausesMs,
      settledAtMs: sinceMs + sumOf(settlePausesMs),
      mostRemovals: settings.maxRemovals,
      isDryRun: settings.isDryRun,
      onAudit: (entry) => observe({ type: 'audited', entry }),
    });
  };
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, one) => sum + one, 0);
}
