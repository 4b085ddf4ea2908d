import { createBodyReader, type BodyReader } from './body-reader';
import { parseHead, type Framing, type Head } from './message-head';

/** A message, as its head describes it. */
export interface Message<H> {
  readonly head: H;
  readonly framing: Framing;
}

/** A head, or a part of a body; the `bytes` of all pieces are the bytes of the stream. */
export type Piece<H> =
  | (Message<H> & { readonly type: 'head'; readonly bytes: Buffer; readonly isEnd: boolean })
  /** `data`: the content, without the framing of chunks. */
  | {
      readonly type: 'body';
      readonly bytes: Buffer;
      readonly data: readonly Buffer[];
      readonly isEnd: boolean;
    }
  /** Not HTTP/1, or malformed: no message can be found from here on. */
  | { readonly type: 'unknown'; readonly bytes: Buffer };

/** Engines accept heads of at most 1 MiB; clients send a few hundred bytes. @see Go, net/http, DefaultMaxHeaderBytes */
const maxHeadBytes = 1024 * 1024;
const nothing = Buffer.alloc(0);
const newline = 0x0a;
const carriageReturn = 0x0d;

/** Splits a stream of bytes into messages, wherever chunks are split. */
export class MessageReader<H> {
  readonly #read: (head: Head) => Message<H> | undefined;
  #rest: Buffer = nothing;
  /** The part of an incomplete head that has no empty line. */
  #searched = 0;
  #body: BodyReader | undefined;
  #isUnknown = false;

  /** @param read - Interprets a head; called once for each. Returns `undefined` when it is no known message. */
  constructor(read: (head: Head) => Message<H> | undefined) {
    this.#read = read;
  }

  /** Whether all bytes were returned in pieces. */
  get isEmpty(): boolean {
    return this.#rest.length === 0;
  }

  push(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
  }

  /** Returns the next piece, or `undefined` when more bytes are needed. */
  next(): Piece<H> | undefined {
    if (this.#rest.length === 0) return undefined;
    if (this.#isUnknown) return { type: 'unknown', bytes: this.takeRest() };
    return this.#body === undefined ? this.#nextHead() : this.#nextBody(this.#body);
  }

  /** Returns the bytes that no piece had, such as an incomplete head, and forgets them. */
  takeRest(): Buffer {
    return this.#take(this.#rest.length);
  }

  #nextHead(): Piece<H> | undefined {
    const end = this.#findHeadEnd();
    if (end === undefined && this.#rest.length <= maxHeadBytes) return undefined;
    const head = end === undefined ? undefined : parseHead(this.#rest.subarray(0, end));
    const message = head === undefined ? undefined : this.#read(head);
    if (end === undefined || message === undefined) return this.#endAsUnknown();
    const isEnd = message.framing === 0;
    this.#body = isEnd ? undefined : createBodyReader(message.framing);
    return { type: 'head', ...message, bytes: this.#take(end), isEnd };
  }

  #nextBody(body: BodyReader): Piece<H> {
    const { length, data, isEnd, isMalformed } = body.take(this.#rest);
    if (isEnd) this.#body = undefined;
    this.#isUnknown = isMalformed;
    if (isMalformed && length === 0) return this.#endAsUnknown();
    return { type: 'body', bytes: this.#take(length), data, isEnd };
  }

  #endAsUnknown(): Piece<H> {
    this.#isUnknown = true;
    return { type: 'unknown', bytes: this.takeRest() };
  }

  /** Finds the end of the empty line that ends a head; empty lines before it do not count. */
  #findHeadEnd(): number | undefined {
    const bytes = this.#rest;
    for (let at = this.#searched; ;) {
      const lineEnd = bytes.indexOf(newline, at);
      if (lineEnd === -1) return undefined;
      const isEmpty = lineEnd === at || (lineEnd === at + 1 && bytes[at] === carriageReturn);
      if (isEmpty && !isBlank(bytes, at)) return lineEnd + 1;
      at = lineEnd + 1;
      this.#searched = at;
    }
  }

  #take(length: number): Buffer {
    const taken = this.#rest.subarray(0, length);
    this.#rest = length === this.#rest.length ? nothing : this.#rest.subarray(length);
    this.#searched = 0;
    return taken;
  }
}

function isBlank(bytes: Buffer, end: number): boolean {
  return bytes.subarray(0, end).every((byte) => byte === newline || byte === carriageReturn);
}
