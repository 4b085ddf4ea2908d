import type { Duplex } from 'node:stream';
import { errnoOf } from '../core/errno';

/**
 * One end of a relayed connection, read on demand: what is not read stays with its sender. Reading and writing
 * end independently of each other.
 */
export class RelayPeer {
  /** Resolves when both directions have ended, or the connection broke. */
  readonly closed: Promise<void>;
  readonly #stream: Duplex;
  #chunk: Buffer | undefined;
  #hasEnded = false;
  #isClosed = false;
  #failure: unknown;
  #isCorked = false;
  #wake: () => void = () => undefined;
  #onEnd: () => void = () => undefined;

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on('readable', () => this.#fetch());
    stream.once('end', () => this.#end());
    // `close` follows.
    stream.on('error', (error) => (this.#failure ??= error));
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    stream.once('close', () => {
      this.#isClosed = true;
      this.#wake();
      resolve();
    });
  }

  /** Whether all its bytes were read, and no more follow. */
  get hasEnded(): boolean {
    return this.#hasEnded && this.#chunk === undefined;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The error that closed the connection, unless the peer did: a login over ssh that failed, a certificate refused. */
  get failure(): unknown {
    return ['EPIPE', 'ECONNRESET'].includes(errnoOf(this.#failure) ?? '') ? undefined : this.#failure;
  }

  /** Calls `onEnd` when no more bytes follow, also before {@link read} asks for them; replaces the previous one. */
  set onEnd(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  /** Resolves to the next bytes, or to `undefined` when no more follow. One caller at a time. */
  async read(): Promise<Buffer | undefined> {
    while (this.#chunk === undefined && !this.#hasEnded && !this.#isClosed)
      await new Promise<void>((resolve) => (this.#wake = resolve));
    const chunk = this.#chunk;
    this.#chunk = undefined;
    if (chunk !== undefined) this.#fetch();
    return chunk;
  }

  /** Resolves when there is room for more bytes. Drops the bytes after the end or close of the connection. */
  async write(bytes: Buffer): Promise<void> {
    const stream = this.#stream;
    if (bytes.length === 0 || !stream.writable) return;
    this.#cork();
    if (stream.write(bytes)) return;
    await new Promise<void>((resolve) => {
      const finish = (): void => {
        stream.off('drain', finish).off('close', finish);
        resolve();
      };
      stream.on('drain', finish).on('close', finish);
    });
  }

  /** A head and its body, written one after the other, leave with one system call. */
  #cork(): void {
    if (this.#isCorked) return;
    this.#isCorked = true;
    this.#stream.cork();
    process.nextTick(() => {
      this.#isCorked = false;
      this.#stream.uncork();
    });
  }

  /** Ends writing; reading continues. */
  end(): void {
    if (this.#stream.writable) this.#stream.end();
  }

  /** Closes the connection after sending what was written. */
  finish(): void {
    const stream = this.#stream;
    if (stream.writableFinished || stream.destroyed) stream.destroy();
    else stream.once('finish', () => stream.destroy()).end();
  }

  destroy(): void {
    this.#stream.destroy();
  }

  /** Reads ahead by one chunk, so that an end is noticed while nothing is read. */
  #fetch(): void {
    if (this.#chunk !== undefined) return;
    const chunk = this.#stream.read() as Buffer | null;
    if (chunk === null) return;
    this.#chunk = chunk;
    this.#wake();
  }

  #end(): void {
    this.#hasEnded = true;
    // Half closed, or closed? A unix socket without a peer refuses even an empty write: EPIPE, then `close`.
    if (this.#stream.writable) this.#stream.write(Buffer.alloc(0));
    this.#wake();
    this.#onEnd();
  }
}
