import type { ClientRequest, IncomingMessage } from 'node:http';
import { warnCapture } from '../core/warnings';

/** An observed response of the engine. */
export interface ObservedResponse {
  readonly status: number;
  /** The body, or the last 64 KiB of it, as for a build. */
  readonly text: string;
}

const maxBytes = 64 * 1024;

/** Observes responses without consuming them: readers get every byte, an unread response stays paused. */
export class ResponseObserver {
  readonly #listeners = new WeakMap<ClientRequest, (response: IncomingMessage) => void>();

  /**
   * Calls `onEnd` once: with the response when all of it has arrived, before its reader sees the end; with
   * the part that arrived when the connection breaks; with `undefined` when the request closes without a
   * response. Resolves afterwards.
   */
  observe(request: ClientRequest, onEnd: (response: ObservedResponse | undefined) => void): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { method, path } = request;
    const end = (observed: ObservedResponse | undefined): void => {
      try {
        onEnd(observed);
      } catch (error) {
        warnCapture(
          `read the response to ${method} ${path.split('?')[0]}`,
          error,
          'castoff checks the result later',
        );
      }
      resolve();
    };
    let hasResponse = false;
    this.#listeners.set(request, (response) => {
      hasResponse = true;
      observeBody(response, (text) => end({ status: response.statusCode ?? 0, text }));
    });
    request.once('close', () => {
      if (!hasResponse) end(undefined);
    });
    return promise;
  }

  /** Starts to observe a response. Call it for every response when its headers have arrived. */
  onResponse(request: ClientRequest, response: IncomingMessage): void {
    this.#listeners.get(request)?.(response);
  }
}

function observeBody(response: IncomingMessage, onEnd: (text: string) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const push: (chunk: unknown, encoding?: BufferEncoding) => boolean = Reflect.get(response, 'push');
  let isEnded = false;
  const end = (): void => {
    if (isEnded) return;
    isEnded = true;
    onEnd(Buffer.concat(chunks).toString());
  };
  // Node's parser pushes each chunk, and null at the end. A `data` listener would start the flowing mode.
  response.push = (chunk: unknown, encoding?: BufferEncoding) => {
    if (chunk === null) end();
    if (Buffer.isBuffer(chunk)) {
      chunks.push(chunk);
      bytes += chunk.length;
      while (bytes - (chunks[0]?.length ?? 0) > maxBytes) bytes -= chunks.shift()?.length ?? 0;
    }
    return Reflect.apply(push, response, [chunk, encoding]);
  };
  response.once('close', end);
}
