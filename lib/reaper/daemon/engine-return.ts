import { setTimeout as delay } from 'node:timers/promises';
import { isCastoffError, messageOf } from '../../core/errors';
import { lastAttemptError, retryWithin } from '../../core/retry';
import { valueOf, type Engine } from '../../engine/engine';

/** Options of `waitForEngine`. */
export interface EngineWait {
  readonly connect: () => Promise<Engine>;
  /** Timeout of one ping, in milliseconds. */
  readonly requestTimeoutMs: number;
  /** How long to wait for an unreachable engine, in milliseconds. */
  readonly engineTimeoutMs: number;
  /** How long clients may take to reconnect after an outage, in milliseconds. */
  readonly returnWindowMs: number;
  readonly signal: AbortSignal;
  /** Called once, with the reason, when the engine does not answer. */
  readonly onAway: (reason: string) => void;
}

/**
 * Resolves to the engine when it answers. An engine that goes away breaks its clients' connections, so after
 * an outage this waits for `returnWindowMs`, while the clients may reconnect: nothing is reaped as soon as
 * the engine is back.
 *
 * @throws Error when the engine is unreachable for longer than `engineTimeoutMs`, or when the signal aborts;
 * CastoffError `CONFIG_INVALID`, at once, for an invalid address.
 */
export async function waitForEngine(options: EngineWait): Promise<Engine> {
  const { engineTimeoutMs: timeoutMs, returnWindowMs, signal, onAway } = options;
  let wasAway = false;
  const isTemporary = (error: unknown): boolean => {
    // An invalid address stays invalid.
    if (isCastoffError(error, 'CONFIG_INVALID')) return false;
    if (!wasAway) onAway(messageOf(error));
    wasAway = true;
    return true;
  };
  const limits = { what: 'find the engine', timeoutMs, signal, firstPauseMs: 100, maxPauseMs: 5_000 };
  try {
    const engine = await retryWithin(() => ping(options), { ...limits, isTemporary });
    if (wasAway) await delay(returnWindowMs, undefined, { signal });
    return engine;
  } catch (error) {
    const cause = lastAttemptError(error);
    throw cause === error ? error : new Error(`no engine: ${messageOf(cause)}`, { cause: error });
  }
}

async function ping({ connect, requestTimeoutMs, signal }: EngineWait): Promise<Engine> {
  const engine = await connect();
  const limited = engine.within({ timeoutMs: requestTimeoutMs, signal });
  valueOf(await limited.ask('ping', engine.address, (docker) => docker.ping()));
  return engine;
}
