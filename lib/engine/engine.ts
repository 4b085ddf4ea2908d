import type { Agent } from 'node:http';
import type Dockerode from 'dockerode';
import { isCastoffError, messageOf } from '../core/errors';
import { parseFields, type Fields } from '../core/fields';
import { formatDuration } from '../core/durations';
import { withTimeout } from '../core/timeout';
import { timeouts } from '../core/timeouts';
import { meaningOf, type EngineCall, type RawAnswer } from './answers';
import type { Endpoint } from './endpoint';
import { EngineError } from './engine-error';
import { getFromEndpoint } from './ping-endpoint';

/** The result of one call to an engine, with its meaning: a value if `done`, or else an error. */
export type Answer<T> =
  | { readonly meaning: 'done'; readonly value: T }
  | { readonly meaning: EngineError['meaning']; readonly error: EngineError };

/** How long to wait for a response. */
export interface CallLimits {
  /** In milliseconds. Without a response until then, the result is `engine-away`. */
  readonly timeoutMs: number;
  /** Ends the wait, not the call. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Sends one call. `signal` aborts when the wait for the response ends; calls that only read may end with it.
 *
 * @internal
 */
type Send<T> = (docker: Dockerode, signal: AbortSignal) => Promise<T>;

/** The address of an engine, and the pool of connections to it. @internal */
export interface EngineConnection {
  readonly endpoint: Endpoint;
  readonly agent: Agent;
}

/**
 * A connection to one engine. Its calls are in `container-calls`, `network-calls`, `volume-calls` and
 * `image-calls`.
 */
export interface Engine {
  /** In the form of `DOCKER_HOST`: identifies an engine inside this process. */
  readonly address: string;
  /** Whether the engine is Podman, whose behaviour differs from Docker's in some calls. */
  readonly isPodman: boolean;
  /** @internal */
  readonly connection: EngineConnection;
  /**
   * Makes one call. It never rejects and always settles: a failure or a timeout is a result, too. Waiting for
   * the response keeps the process alive; a call without a waiting caller does not.
   *
   * @internal
   */
  ask<T>(call: EngineCall, subject: string, send: Send<T>): Promise<Answer<T>>;
  /**
   * Sends a GET request as {@link ask} makes a call, without dockerode, which takes long to load. Resolves to the
   * fields of the response.
   *
   * @internal
   */
  get(call: EngineCall, path: string): Promise<Answer<Fields>>;
  /** Returns the same engine with other limits for its calls. */
  within(limits: CallLimits): Engine;
}

const defaultLimits: CallLimits = { timeoutMs: timeouts.requestMs };

/**
 * Creates an engine that makes its calls through the client that `load` resolves to; each call awaits `load`.
 *
 * @internal
 */
export function createEngine(
  connection: EngineConnection,
  isPodman: boolean,
  load: () => Promise<Dockerode>,
  limits = defaultLimits,
): Engine {
  const { address } = connection.endpoint;
  return {
    address,
    isPodman,
    connection,
    within: (other) => createEngine(connection, isPodman, load, other),
    get: (call, path) =>
      ask(call, address, limits, async (signal) => {
        const { body } = await getFromEndpoint(connection, path, signal);
        return parseFields(body) ?? {};
      }),
    ask: (call, subject, send) =>
      ask(call, subject, limits, async (signal) => send(await loadClient(load), signal)),
  };
}

/** Thrown when the client could not be loaded: the call was not sent. */
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

/** Makes one call through `send`, and waits for the response as {@link Engine.ask} does. @internal */
export async function ask<T>(
  call: EngineCall,
  subject: string,
  limits: CallLimits,
  send: (signal: AbortSignal) => Promise<T>,
): Promise<Answer<T>> {
  const waiting = new AbortController();
  try {
    // dockerode never settles after a truncated response: only the timeout is certain to end the wait.
    return { meaning: 'done', value: await withTimeout(send(waiting.signal), { what: call, ...limits }) };
  } catch (error) {
    if (error instanceof LoadError) return { meaning: 'refused', error: unsentError(call, subject, error) };
    const raw = rawAnswer(error, limits);
    const meaning = meaningOf(call, raw);
    if (meaning === 'done') return { meaning, value: undefined as never };
    return { meaning, error: new EngineError({ call, subject, meaning, ...raw }, error) };
  } finally {
    waiting.abort();
  }
}

/** Returns the value of an answer. @throws EngineError unless the answer is `done`. */
export function valueOf<T>(answer: Answer<T>): T {
  if (answer.meaning === 'done') return answer.value;
  throw answer.error;
}

/** Applies `convert` to the value of an answer that is `done`. */
export function mapAnswer<T, U>(answer: Answer<T>, convert: (value: T) => U): Answer<U> {
  return answer.meaning === 'done' ? { meaning: 'done', value: convert(answer.value) } : answer;
}

// docker-modem: err.statusCode, err.json = { message } (Podman adds cause and response); a failed connection
// has err.code only.
function rawAnswer(error: unknown, { timeoutMs, signal }: CallLimits): RawAnswer {
  if (signal?.aborted && error === signal.reason) return { message: 'aborted by the caller' };
  if (isCastoffError(error, 'DEADLINE_EXCEEDED'))
    return { message: `no response within ${formatDuration(timeoutMs)}` };
  const failure = error as { statusCode?: number; json?: { message?: unknown } | Uint8Array | null };
  if (failure.statusCode === undefined) return { message: messageOf(error) };
  const { json } = failure;
  if (json instanceof Uint8Array)
    return { status: failure.statusCode, message: Buffer.from(json).toString().trim() };
  const message = json?.message;
  if (typeof message === 'string') return { status: failure.statusCode, message: message.trim() };
  return { status: failure.statusCode, message: messageOf(error).replace(/^\(HTTP code \d+\) .*? - /, '') };
}
