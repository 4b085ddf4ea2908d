import { maxTimerMs } from '../../core/durations';
import { isReaper } from '../../core/labels';
import { connectEngine } from '../../engine/connect';
import type { Engine } from '../../engine/engine';
import { listTargets } from '../../engine/list-targets';
import { isCovered, type Claim } from '../leases/claim';
import { waitForEngine } from './engine-return';
import type { ReaperMode } from '../leases/reaper-mode';
import { hasNewerReaper } from './newer-reaper';
import type { Observer } from '../reaping/observer';
import { reapClaim } from '../reaping/reap';
import type { LeaseTableOptions } from '../reaping/lease-table';
import { ReapSkipped, type Reap } from '../reaping/reap-jobs';
import type { ReaperSettings } from './settings';

/** Options of `reapOnEngine`. `connect` defaults to the engine of the environment. */
export interface EngineReapOptions {
  readonly mode: ReaperMode;
  readonly settings: ReaperSettings;
  readonly observe: Observer;
  readonly connect?: (() => Promise<Engine>) | undefined;
}

/** Requests that were in flight when their client died finish this soon; the pause after it is a setting. */
const firstSettlePauseMs = 250;
const engineTimeoutMs = 600_000;
/** A late listing only finds resources created since; it does not wait long for an unreachable engine. */
const lateEngineTimeoutMs = 10_000;
/** castoff's own clients reconnect this soon. */
const ownReturnWindowMs = 2_000;

/**
 * Returns how a lease table reaps on the engine that `connect` finds, and how it checks for resources there.
 * Connects at the first reaping or check, not before.
 */
export function reapOnEngine({
  mode,
  settings,
  observe,
  connect = connectEngine,
}: EngineReapOptions): Required<Pick<LeaseTableOptions, 'reap' | 'mayExist'>> {
  const isOurs = mode === 'sidecar' || mode === 'host';
  const settlePausesMs = [firstSettlePauseMs, Math.min(settings.changesRetryIntervalMs, maxTimerMs)];
  const requestTimeoutMs = Math.min(settings.requestTimeoutMs, maxTimerMs);
  const reap: Reap = async (claim, { lastHolder, sinceMs, isLate, signal, endSoon }) => {
    const maxAwayMs = isLate ? lateEngineTimeoutMs : engineTimeoutMs;
    const engine = await waitForEngine({
      connect,
      requestTimeoutMs,
      engineTimeoutMs: maxAwayMs,
      returnWindowMs: isOurs ? ownReturnWindowMs : Math.min(settings.reconnectionTimeoutMs, maxTimerMs),
      signal: AbortSignal.any([signal, endSoon]),
      onAway: (reason) =>
        observe({ type: 'noted', text: `wait for the engine to reap ${claim.key}: ${reason}` }),
    });
    if (mode === 'sidecar' && (await hasNewerReaper(engine, { signal })))
      throw new ReapSkipped(`skip ${claim.key}: its session has a newer reaper, which reaps it`);
    return reapClaim(engine, claim, {
      lastHolder,
      signal,
      endSoon,
      requestTimeoutMs,
      engineTimeoutMs: maxAwayMs,
      maxAttempts: Math.max(1, settings.removeRetries),
      settlePausesMs: isLate ? [] : settlePausesMs,
      settledAtMs: sinceMs + sum(settlePausesMs),
      maxRemovals: settings.maxRemovals,
      isDryRun: settings.isDryRun,
      onAudit: (entry) => observe({ type: 'audited', entry }),
    });
  };
  const mayExist = async (claim: Claim): Promise<boolean> => {
    try {
      const engine = (await connect()).within({ timeoutMs: requestTimeoutMs });
      const listed = await listTargets(engine, claim.labels);
      return listed.some((target) => !isReaper(target.labels) && isCovered(claim, target));
    } catch {
      // EngineError, ENGINE_UNREACHABLE: it may come back, with the resources.
      return true;
    }
  };
  return { reap, mayExist };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
