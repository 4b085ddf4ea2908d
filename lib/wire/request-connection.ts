import type { Duplex } from 'node:stream';
import { messageOf } from '../core/errors';
import { parseFields } from '../core/fields';
import { LineReader } from './line-reader';
import type { SerializedError } from './serialize-error';

/** The response to the request with the same `id`; 0 when it answers a line that was no request. */
export type Reply = { readonly id: number } & (
  | { readonly ok: true; readonly value?: unknown }
  | { readonly ok: false; readonly reason: string; readonly error?: SerializedError | undefined }
);

interface RequestConnectionOptions {
  /** Longer lines of the server are skipped. */
  readonly maxLineBytes: number;
  /** Receives each line that is not a reply. */
  readonly onLine: (line: string) => void;
}

/** How long the server may take to close its side, in milliseconds. */
const endTimeoutMs = 2_000;

/** The client's side of a connection: sends requests, one JSON object per line, and receives the replies. */
export class RequestConnection {
  /** Resolves to the reason when the connection has closed. */
  readonly ended: Promise<string>;
  readonly #stream: Duplex;
  readonly #options: RequestConnectionOptions;
  readonly #waiting = new Map<number, PromiseWithResolvers<Reply>>();
  #lastId = 0;
  #endReason = 'connection closed';
  #isClosed = false;

  constructor(stream: Duplex, options: RequestConnectionOptions) {
    this.#stream = stream;
    this.#options = options;
    const reader = new LineReader(options.maxLineBytes);
    stream.on('data', (chunk: Buffer) => {
      for (const line of reader.push(chunk)) this.#receive('text' in line ? line.text : line.refusal);
    });
    // EPIPE, ECONNRESET: `close` follows.
    stream.on('error', (error) => (this.#endReason = messageOf(error)));
    stream.once('end', () => stream.destroy());
    const { promise, resolve } = Promise.withResolvers<string>();
    this.ended = promise;
    stream.once('close', () => {
      this.#isClosed = true;
      for (const { reject } of this.#waiting.values()) reject(new Error(this.#endReason));
      this.#waiting.clear();
      resolve(this.#endReason);
    });
  }

  /**
   * Sends a request. Resolves to its reply.
   *
   * @throws Error with the reason when the connection ends before the reply.
   */
  request(body: object): Promise<Reply> {
    if (this.#isClosed) return Promise.reject(new Error(this.#endReason));
    this.#lastId += 1;
    const waiting = Promise.withResolvers<Reply>();
    this.#waiting.set(this.#lastId, waiting);
    this.#send({ id: this.#lastId, ...body });
    return waiting.promise;
  }

  /** Sends a request that needs no reply. Does nothing once the connection has closed. */
  notify(body: object): void {
    this.#send(body);
  }

  /** Sends pending requests and closes the connection, after 2 s even if the server does not close its side. */
  end(): void {
    this.#stream.end();
    setTimeout(() => this.#stream.destroy(), endTimeoutMs).unref();
  }

  destroy(reason?: string): void {
    this.#endReason = reason ?? this.#endReason;
    this.#stream.destroy();
  }

  #send(body: object): void {
    if (this.#stream.writable) this.#stream.write(`${JSON.stringify(body)}\n`);
  }

  #receive(line: string): void {
    const reply = parseReply(line);
    if (reply === undefined) {
      if (line.trim() !== '') this.#options.onLine(line);
      return;
    }
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (waiting !== undefined) waiting.resolve(reply);
    else if (reply.id !== 0) this.destroy(`got a reply to request ${reply.id}, which was not sent`);
  }
}

/** Parses a line of a server. Returns `undefined` when it is not a reply. */
export function parseReply(line: string): Reply | undefined {
  const fields = parseFields(line);
  if (fields === undefined || !Number.isSafeInteger(fields['id'])) return undefined;
  const isReply = fields['ok'] === true || (fields['ok'] === false && typeof fields['reason'] === 'string');
  // Its value and error come from a server of the same version of castoff.
  return isReply ? (fields as unknown as Reply) : undefined;
}
