import type { ClientRequest, IncomingMessage } from 'node:http';
import { warnCapture } from './warn';

export interface ObservedResponse {
  readonly status: number;
  /** The body; of a long one, such as that to a build, the end. */
  readonly text: string;
}

const maxBytes = 64 * 1024;

/** The answers to requests, overheard: their readers miss nothing, and what nobody reads does not flow. */
export class ResponseObserver {
  readonly #listeners = new WeakMap<ClientRequest, (response: IncomingMessage) => void>();

  /**
   * Calls `whenEnded` with the answer, as soon as all of it has come and before its reader is told; with what has come, where it breaks
   * off; with nothing when there is none. Resolves after that.
   */
  observe(request: ClientRequest, whenEnded: (answer: ObservedResponse | undefined) => void): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { method, path } = request;
    const end = (answer: ObservedResponse | undefined): void => {
      try {
        whenEnded(answer);
      } catch (error) {
        warnCapture(`the answer to ${method} ${path.split('?')[0]}`, error, 'the engine is asked later');
      }
      resolve();
    };
    let isAnswered = false;
    this.#listeners.set(request, (response) => {
      isAnswered = true;
      overhear(response, (text) => end({ status: response.statusCode ?? 0, text }));
    });
    request.once('close', () => {
      if (!isAnswered) end(undefined);
    });
    return promise;
  }

  /** To be told of every answer as its head has come. */
  onResponse(request: ClientRequest, response: IncomingMessage): void {
    this.#listeners.get(request)?.(response);
  }
}

function overhear(response: IncomingMessage, whenEnded: (text: string) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const push: (chunk: unknown, encoding?: BufferEncoding) => boolean = Reflect.get(response, 'push');
  let isEnded = false;
  const end = (): void => {
    if (isEnded) return;
    isEnded = true;
    whenEnded(Buffer.concat(chunks).toString());
  };
  // The parser of HTTP hands over every piece by this, and null for the end. A listener for `data` would have the answer flow.
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
