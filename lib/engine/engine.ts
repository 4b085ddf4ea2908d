import type Dockerode from 'dockerode';
import { messageOf } from '../core/errors';
import { meaningOf, type EngineCall, type RawAnswer } from './answers';
import { EngineError } from './engine-error';

/** The engine's answer to one call, with its meaning. Only `done` has a value; every other has the error that it would be. */
export type Answer<T> =
  | { readonly meaning: 'done'; readonly value: T }
  | { readonly meaning: EngineError['meaning']; readonly error: EngineError };

/** A connection to one engine; the calls stand in `container-calls`, `network-calls`, `volume-calls` and `image-calls`. */
export interface Engine {
  /** As `DOCKER_HOST` spells it: what tells two engines in one process apart. */
  readonly address: string;
  /** Makes one call. It never rejects: a failure is an answer too. */
  ask<T>(call: EngineCall, subject: string, send: (docker: Dockerode) => Promise<T>): Promise<Answer<T>>;
}

/** An engine that is reached through `docker`. */
export function createEngine(address: string, docker: Dockerode): Engine {
  return {
    address,
    async ask(call, subject, send) {
      try {
        return { meaning: 'done', value: await send(docker) };
      } catch (error) {
        const raw = rawAnswer(error);
        const meaning = meaningOf(call, raw);
        if (meaning === 'done') return { meaning, value: undefined as never };
        return { meaning, error: new EngineError({ call, subject, meaning, ...raw }, error) };
      }
    },
  };
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
function rawAnswer(error: unknown): RawAnswer {
  const failure = error as { statusCode?: number; json?: { message?: unknown } | Uint8Array | null };
  if (failure.statusCode === undefined) return { words: messageOf(error) };
  const { json } = failure;
  if (json instanceof Uint8Array)
    return { status: failure.statusCode, words: Buffer.from(json).toString().trim() };
  const message = json?.message;
  return {
    status: failure.statusCode,
    words: typeof message === 'string' ? message.trim() : messageOf(error),
  };
}
