import type { ClientRequest } from 'node:http';
import { setImmediate } from 'node:timers/promises';

type Method = 'write' | 'end' | 'flushHeaders';
type Call = { readonly method: Method; readonly args: readonly unknown[]; readonly turn: object };
type Methods = { readonly [M in Method]: (...args: readonly unknown[]) => unknown };

/** A longer body is not a create request, and buffering it would fill the user's memory. */
const maxBodyBytes = 16 * 1024 * 1024;
const highWaterBytes = 64 * 1024;

/** Buffers everything written to a request, in order, until it is released. */
export class PausedRequest {
  readonly request: ClientRequest;
  readonly #calls: Call[] = [];
  readonly #original: Methods;
  readonly #bodyEnded = Promise.withResolvers<void>();
  #bytes = 0;
  #isReleased = false;
  #needsWholeBody = false;
  #owesDrain = false;
  #turn: object | undefined;

  constructor(request: ClientRequest) {
    this.request = request;
    // The overloads do not matter here: arguments are only passed on.
    const { write, end, flushHeaders } = request as unknown as Methods;
    this.#original = { write, end, flushHeaders };
    const buffering = {
      write: (...args: readonly unknown[]) => this.#call('write', args, () => this.#hasRoom()),
      end: (...args: readonly unknown[]) => this.#call('end', args, () => request),
      flushHeaders: (...args: readonly unknown[]) => this.#call('flushHeaders', args, () => undefined),
    };
    Object.assign(request, buffering);
    request.once('close', () => this.#bodyEnded.resolve());
  }

  /** Resolves to the written body; `undefined` when longer than 16 MiB or the request was aborted. */
  async wholeBody(): Promise<string | undefined> {
    this.#needsWholeBody = true;
    this.#drain();
    await this.#bodyEnded.promise;
    const isComplete = this.#calls.at(-1)?.method === 'end' && this.#bytes <= maxBodyBytes;
    return isComplete ? Buffer.concat(this.#calls.flatMap(chunkOf)).toString() : undefined;
  }

  /** Sends the buffered data, or `body` instead of it, and passes all further writes through. */
  async release(body?: string): Promise<void> {
    if (body === undefined) {
      // Data written in different turns of the event loop is sent as separate chunks.
      this.#sendTurn();
      while (this.#calls.length > 0) {
        await setImmediate();
        this.#sendTurn();
      }
    } else this.#sendInstead(body);
    this.#isReleased = true;
    this.#drain();
  }

  /** Destroys the request with `error`, as if its connection had failed. */
  fail(error: Error): void {
    this.#isReleased = true;
    this.request.destroy(error);
  }

  #call(method: Method, args: readonly unknown[], result: () => unknown): unknown {
    if (this.#isReleased) return Reflect.apply(this.#original[method], this.request, args);
    this.#turn ??= this.#startTurn();
    const call = { method, args, turn: this.#turn };
    this.#calls.push(call);
    this.#bytes += chunkOf(call).reduce((sum, chunk) => sum + chunk.length, 0);
    if (method === 'end' || this.#bytes > maxBodyBytes) this.#bodyEnded.resolve();
    return result();
  }

  #startTurn(): object {
    process.nextTick(() => (this.#turn = undefined));
    return {};
  }

  #hasRoom(): boolean {
    const hasRoom = this.#needsWholeBody || this.#bytes < highWaterBytes;
    if (!hasRoom) this.#owesDrain = true;
    return hasRoom;
  }

  #sendTurn(): void {
    const after = this.#calls.findIndex(({ turn }) => turn !== this.#calls[0]?.turn);
    const calls = this.#calls.splice(0, after === -1 ? this.#calls.length : after);
    for (const { method, args } of calls) {
      if (!this.request.destroyed) Reflect.apply(this.#original[method], this.request, args);
    }
  }

  #sendInstead(body: string): void {
    const callbacks = this.#calls.flatMap(({ args }) => args.filter(isCallback));
    this.#calls.length = 0;
    if (this.request.destroyed) return;
    if (this.request.hasHeader('content-length'))
      this.request.setHeader('Content-Length', Buffer.byteLength(body));
    Reflect.apply(this.#original.end, this.request, [
      body,
      () => {
        for (const callback of callbacks) callback();
      },
    ]);
  }

  #drain(): void {
    if (!this.#owesDrain || this.request.destroyed || (this.#isReleased && this.request.writableNeedDrain))
      return;
    this.#owesDrain = false;
    process.nextTick(() => this.request.emit('drain'));
  }
}

function chunkOf({ args: [chunk, encoding] }: Pick<Call, 'args'>): readonly Buffer[] {
  if (typeof chunk === 'string')
    return [Buffer.from(chunk, Buffer.isEncoding(String(encoding)) ? (encoding as BufferEncoding) : 'utf8')];
  return ArrayBuffer.isView(chunk) ? [Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)] : [];
}

function isCallback(value: unknown): value is () => void {
  return typeof value === 'function';
}
