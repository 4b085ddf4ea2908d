import { setTimeout as delay } from 'node:timers/promises';
import { isCastoffError, messageOf } from '../../core/errors';
import { retryWithBackoff, RetryableError } from '../../core/retry';
import { withTimeout } from '../../core/timeout';
import { valueOf, type Engine } from '../../engine/engine';

export interface EngineWait {
  readonly connect: () => Promise<Engine>;
  /** How long one answer is waited for, in milliseconds. */
  readonly requestTimeoutMs: number;
  /** How long an engine that is away is waited for, in milliseconds. */
  readonly engineTimeoutMs: number;
  /** How long the clients of an engine that has come back have, in milliseconds, to come back too. */
  readonly returnWindowMs: number;
  readonly signal: AbortSignal;
  /** Told once, when the engine is away. */
  readonly onAway: (reason: string) => void;
}

/**
 * The engine, when it answers. One that was away takes its clients' connections along when it goes, and they may be on their way
 * back: nothing is reaped as soon as it is there again.
 *
 * @throws Error when it is away for longer than `engineTimeoutMs`; an abort error when the signal aborts; `CONFIG_INVALID` at once.
 */
export async function waitForEngine(options: EngineWait): Promise<Engine> {
  const { engineTimeoutMs, returnWindowMs, signal, onAway } = options;
  const leaving = new AbortController();
  let away: unknown;
  const asking = retryWithBackoff(
    async () => {
      try {
        return await ask(options);
      } catch (error) {
        // An address that is none stays one.
        if (isCastoffError(error, 'CONFIG_INVALID')) throw error;
        if (away === undefined) onAway(messageOf(error));
        away = error;
        throw new RetryableError();
      }
    },
    { firstPauseMs: 100, maxPauseMs: 5_000, signal: leaving.signal },
  );
  // Whoever stops waiting leaves it behind.
  asking.catch(() => {});
  try {
    const engine = await withTimeout(asking, { what: 'find the engine', timeoutMs: engineTimeoutMs, signal });
    if (away !== undefined) await delay(returnWindowMs, undefined, { signal });
    return engine;
  } catch (error) {
    throw signal.aborted || away === undefined
      ? error
      : new Error(`no engine: ${messageOf(away)}`, { cause: error });
  } finally {
    leaving.abort();
  }
}

async function ask({ connect, requestTimeoutMs, signal }: EngineWait): Promise<Engine> {
  const engine = await connect();
  const patient = engine.within({ timeoutMs: requestTimeoutMs, signal });
  valueOf(await patient.ask('ping', engine.address, (docker) => docker.ping()));
  return engine;
}
