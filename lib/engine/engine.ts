import type { Agent } from 'node:http';
import type Dockerode from 'dockerode';
import { isCastoffError, messageOf } from '../core/errors';
import { formatDuration } from '../core/durations';
import { withTimeout } from '../core/timeout';
import { meaningOf, type EngineCall, type RawAnswer } from './answers';
import type { Endpoint } from './endpoint';
import { EngineError } from './engine-error';

/** The engine's answer to one call, with its meaning. Only `done` has a value; every other has the error that it would be. */
export type Answer<T> =
  | { readonly meaning: 'done'; readonly value: T }
  | { readonly meaning: EngineError['meaning']; readonly error: EngineError };

/** How long an answer is waited for. */
export interface CallLimits {
  /** In milliseconds; no answer until then is an answer too: `engine-away`. */
  readonly timeoutMs: number;
  /** Ends the waiting, not the call. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Sends one call. Those that only read may end with `signal`, which aborts when the wait for their answer is over.
 *
 * @internal
 */
export type Send<T> = (docker: Dockerode, signal: AbortSignal) => Promise<T>;

/**
 * Where an engine listens, and the pool of connections to it.
 *
 * @internal
 */
export interface EngineConnection {
  readonly endpoint: Endpoint;
  readonly agent: Agent;
}

/** A connection to one engine; the calls stand in `container-calls`, `network-calls`, `volume-calls` and `image-calls`. */
export interface Engine {
  /** As `DOCKER_HOST` spells it: what tells two engines in one process apart. */
  readonly address: string;
  /** Whether Podman answers there: some of its answers mean something else than Docker's. */
  readonly isPodman: boolean;
  /** @internal */
  readonly connection: EngineConnection;
  /**
   * Makes one call. It never rejects, and it always ends: a failure is an answer, and so is none. The wait for the answer
   * holds the process; a call that is no longer waited for does not.
   *
   * @internal
   */
  ask<T>(call: EngineCall, subject: string, send: Send<T>): Promise<Answer<T>>;
  /** The same engine, asked with another patience. */
  within(patience: CallLimits): Engine;
}

const defaultPatience: CallLimits = { timeoutMs: 30_000 };

/**
 * An engine reached through the client that `load` resolves to; every call asks for it anew.
 *
 * @internal
 */
export function createEngine(
  connection: EngineConnection,
  isPodman: boolean,
  load: () => Promise<Dockerode>,
  patience = defaultPatience,
): Engine {
  return {
    address: connection.endpoint.address,
    isPodman,
    connection,
    within: (other) => createEngine(connection, isPodman, load, other),
    ask: (call, subject, send) =>
      ask(call, subject, patience, async (signal) => send(await loadClient(load), signal)),
  };
}

/** The client could not be loaded: no call was made. */
class LoadError extends Error {}

async function loadClient(load: () => Promise<Dockerode>): Promise<Dockerode> {
  try {
    return await load();
  } catch (cause) {
    throw new LoadError(messageOf(cause), { cause });
  }
}

function unsentError(call: EngineCall, subject: string, { message, cause }: LoadError): EngineError {
  return new EngineError({ call, subject, meaning: 'refused', message, isUnsent: true }, cause);
}

/**
 * Makes one call and waits for its answer as {@link Engine.ask} does, by whatever way `send` goes.
 *
 * @internal
 */
export async function ask<T>(
  call: EngineCall,
  subject: string,
  patience: CallLimits,
  send: (signal: AbortSignal) => Promise<T>,
): Promise<Answer<T>> {
  const waiting = new AbortController();
  try {
    // dockerode never settles after an answer that was cut off: the limit is the only end that is certain.
    return { meaning: 'done', value: await withTimeout(send(waiting.signal), { what: call, ...patience }) };
  } catch (error) {
    if (error instanceof LoadError) return { meaning: 'refused', error: unsentError(call, subject, error) };
    const raw = rawAnswer(error, patience);
    const meaning = meaningOf(call, raw);
    if (meaning === 'done') return { meaning, value: undefined as never };
    return { meaning, error: new EngineError({ call, subject, meaning, ...raw }, error) };
  } finally {
    waiting.abort();
  }
}

/** The value of an answer that was `done`; throws the error of any other. */
export function valueOf<T>(answer: Answer<T>): T {
  if (answer.meaning === 'done') return answer.value;
  throw answer.error;
}

/** `answer` with its value turned into another. */
export function mapAnswer<T, U>(answer: Answer<T>, turn: (value: T) => U): Answer<U> {
  return answer.meaning === 'done' ? { meaning: 'done', value: turn(answer.value) } : answer;
}

// docker-modem: err.statusCode, err.json = { message } (Podman adds cause and response); a failed connection has err.code only.
function rawAnswer(error: unknown, { timeoutMs, signal }: CallLimits): RawAnswer {
  if (signal?.aborted && error === signal.reason) return { message: 'no longer waited for' };
  if (isCastoffError(error, 'DEADLINE_EXCEEDED'))
    return { message: `no answer in ${formatDuration(timeoutMs)}` };
  const failure = error as { statusCode?: number; json?: { message?: unknown } | Uint8Array | null };
  if (failure.statusCode === undefined) return { message: messageOf(error) };
  const { json } = failure;
  if (json instanceof Uint8Array)
    return { status: failure.statusCode, message: Buffer.from(json).toString().trim() };
  const message = json?.message;
  if (typeof message === 'string') return { status: failure.statusCode, message: message.trim() };
  return { status: failure.statusCode, message: messageOf(error).replace(/^\(HTTP code \d+\) .*? - /, '') };
}
