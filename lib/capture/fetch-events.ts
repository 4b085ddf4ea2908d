import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type * as Net from 'node:net';
import type { Socket } from 'node:net';
import { coreModule } from '../core/pristine';
import type { FetchRequest } from './fetch-request';
import { watchFunction } from './watch-function';

/** A request of `fetch` or undici that is followed from its creation on. */
export interface FollowedFetch {
  /** Resolves to the socket that it is sent over; to `undefined` when it ends before it is sent. */
  readonly sent: Promise<Socket | undefined>;
  /** Resolves to the status of the response when its headers have arrived; to `undefined` without one. */
  readonly ended: Promise<number | undefined>;
}

interface Following {
  readonly sent: PromiseWithResolvers<Socket | undefined>;
  readonly ended: PromiseWithResolvers<number | undefined>;
}

interface FetchMessage {
  readonly request: FetchRequest;
  readonly socket: Socket;
  readonly response: { readonly statusCode: number };
}

/**
 * Follows requests of `fetch` and undici by the channels that both publish to. The requests themselves do not
 * know the unix socket that they use: the calls of `net.connect` do.
 *
 * @see undici, `docs/api/DiagnosticsChannel.md`; Node.js publishes to the same channels for its `fetch`
 */
export class FetchEvents {
  readonly #following = new WeakMap<FetchRequest, Following>();
  readonly #paths = new WeakMap<Socket, string>();
  readonly #stops: readonly (() => void)[];

  constructor() {
    this.#stops = [
      watchFunction(coreModule('net') as typeof Net, 'connect', (connect, [options]) => {
        const socket = connect() as Socket;
        const path = pathIn(options);
        if (path !== undefined) this.#paths.set(socket, path);
        return socket;
      }),
      on('undici:client:sendHeaders', ({ request, socket }) =>
        this.#following.get(request)?.sent.resolve(socket),
      ),
      on('undici:request:headers', ({ request, response: { statusCode } }) => {
        if (statusCode >= 200) this.#following.get(request)?.ended.resolve(statusCode);
      }),
      on('undici:request:error', ({ request }) => {
        this.#following.get(request)?.sent.resolve(undefined);
        this.#following.get(request)?.ended.resolve(undefined);
      }),
    ];
  }

  /** Follows a request that has just been created. */
  follow(request: FetchRequest): FollowedFetch {
    const sent = Promise.withResolvers<Socket | undefined>();
    const ended = Promise.withResolvers<number | undefined>();
    this.#following.set(request, { sent, ended });
    return { sent: sent.promise, ended: ended.promise };
  }

  /** Returns the path of the unix socket that `socket` is connected to, if it is one. */
  pathOf(socket: Socket): string | undefined {
    return this.#paths.get(socket);
  }

  stop(): void {
    for (const stop of this.#stops) stop();
  }
}

function on(channel: string, listener: (message: FetchMessage) => void): () => void {
  const onMessage = (message: unknown): void => listener(message as FetchMessage);
  subscribe(channel, onMessage);
  return () => void unsubscribe(channel, onMessage);
}

/** Returns the path of a unix socket in the options of a connection, which may be of another realm. */
function pathIn(options: unknown): string | undefined {
  if (typeof options !== 'object' || options === null) return undefined;
  const path: unknown = Reflect.get(options, 'path');
  return typeof path === 'string' ? path : undefined;
}
