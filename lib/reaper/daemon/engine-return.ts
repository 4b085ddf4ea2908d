import { setTimeout as delay } from 'node:timers/promises';
import { isCastoffError, messageOf } from '../../core/errors';
import { retryWithBackoff, RetryableError } from '../../core/retry';
import { withTimeout } from '../../core/timeout';
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
  const { engineTimeoutMs, returnWindowMs, signal, onAway } = options;
  const stop = new AbortController();
  let lastError: unknown;
  const pinging = retryWithBackoff(
    async () => {
      try {
        return await ping(options);
      } catch (error) {
        // An invalid address stays invalid.
        if (isCastoffError(error, 'CONFIG_INVALID')) throw error;
        if (lastError === undefined) onAway(messageOf(error));
        lastError = error;
        throw new RetryableError();
      }
    },
    { firstPauseMs: 100, maxPauseMs: 5_000, signal: stop.signal },
  );
  // After a timeout, its rejection has no other handler.
  pinging.catch(() => {});
  try {
    const engine = await withTimeout(pinging, {
      what: 'find the engine',
      timeoutMs: engineTimeoutMs,
      signal,
    });
    if (lastError !== undefined) await delay(returnWindowMs, undefined, { signal });
    return engine;
  } catch (error) {
    throw signal.aborted || lastError === undefined
      ? error
      : new Error(`no engine: ${messageOf(lastError)}`, { cause: error });
  } finally {
    stop.abort();
  }
}

async function ping({ connect, requestTimeoutMs, signal }: EngineWait): Promise<Engine> {
  const engine = await connect();
  const limited = engine.within({ timeoutMs: requestTimeoutMs, signal });
  valueOf(await limited.ask('ping', engine.address, (docker) => docker.ping()));
  return engine;
}
