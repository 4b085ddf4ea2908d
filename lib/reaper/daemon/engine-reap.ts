import { setTimeout as delay } from 'node:timers/promises';
import { maxTimerMs } from '../../core/durations';
import { isCastoffError, messageOf } from '../../core/errors';
import { isReaper } from '../../core/labels';
import { lastAttemptError, retryWithin } from '../../core/retry';
import { connectEngine } from '../../engine/connect';
import { valueOf, type Engine } from '../../engine/engine';
import { listTargets } from '../../engine/list-targets';
import { isCovered, type Claim } from '../leases/claim';
import type { ReaperMode } from '../leases/reaper-mode';
import { hasNewerReaper } from './newer-reaper';
import type { Observer } from '../reaping/observer';
import { reapClaim } from '../reaping/reap';
import type { LeaseTableOptions } from '../reaping/lease-table';
import { ReapSkipped, type Reap } from '../reaping/reap-jobs';
import type { ReaperSettings } from './settings';

/** Options of `reapOnEngine`. `connect` defaults to the engine of the environment. */
interface EngineReapOptions {
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
export function reapOnEngine(
  options: EngineReapOptions,
): Required<Pick<LeaseTableOptions, 'reap' | 'mayExist'>> {
  const { mode, settings, observe, connect = connectEngine } = options;
  const isOurs = mode === 'sidecar' || mode === 'host';
  const settlePausesMs = [firstSettlePauseMs, Math.min(settings.changesRetryIntervalMs, maxTimerMs)];
  const requestTimeoutMs = Math.min(settings.requestTimeoutMs, maxTimerMs);
  const returnWindowMs = isOurs ? ownReturnWindowMs : Math.min(settings.reconnectionTimeoutMs, maxTimerMs);
  // An engine that goes away breaks its clients' connections. After an outage they get time to reconnect, so
  // that nothing is reaped as soon as the engine is back.
  const reachEngine = async (claim: Claim, timeoutMs: number, signal: AbortSignal): Promise<Engine> => {
    let wasAway = false;
    const isTemporary = (error: unknown): boolean => {
      // An invalid address stays invalid.
      if (isCastoffError(error, 'CONFIG_INVALID')) return false;
      const text = `wait for the engine to reap ${claim.key}: ${messageOf(error)}`;
      if (!wasAway) observe({ type: 'noted', text });
      wasAway = true;
      return true;
    };
    const limits = { what: 'find the engine', timeoutMs, signal, firstPauseMs: 100, maxPauseMs: 5_000 };
    const pingEngine = async (): Promise<Engine> => {
      const engine = await connect();
      const limited = engine.within({ timeoutMs: requestTimeoutMs, signal });
      valueOf(await limited.ask('ping', engine.address, (docker) => docker.ping()));
      return engine;
    };
    try {
      const engine = await retryWithin(pingEngine, { ...limits, isTemporary });
      if (wasAway) await delay(returnWindowMs, undefined, { signal });
      return engine;
    } catch (error) {
      const cause = lastAttemptError(error);
      throw cause === error ? error : new Error(`no engine: ${messageOf(cause)}`, { cause: error });
    }
  };
  const reap: Reap = async (claim, { lastHolder, sinceMs, isLate, signal, endSoon }) => {
    const maxAwayMs = isLate ? lateEngineTimeoutMs : engineTimeoutMs;
    const engine = await reachEngine(claim, maxAwayMs, AbortSignal.any([signal, endSoon]));
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
      settledAtMs: settlePausesMs.reduce((sum, pauseMs) => sum + pauseMs, sinceMs),
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
