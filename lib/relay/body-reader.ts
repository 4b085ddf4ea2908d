import type { Framing } from './message-head';

/** The part of a body at the start of some bytes. */
export interface BodyPart {
  /** The number of bytes that belong to it. */
  readonly length: number;
  /** Its content, without the framing of chunks. */
  readonly data: readonly Buffer[];
  readonly isEnd: boolean;
  /** Whether the bytes after it violate the framing. */
  readonly isMalformed: boolean;
}

/** Finds the content and the end of a body, wherever its bytes are split. */
export interface BodyReader {
  take(bytes: Buffer): BodyPart;
}

/** Creates a reader for one body. */
export function createBodyReader(framing: Framing): BodyReader {
  if (framing === 'chunked') return new ChunkReader();
  return new LengthReader(framing === 'until-close' ? Infinity : framing);
}

class LengthReader implements BodyReader {
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  take(bytes: Buffer): BodyPart {
    const length = Math.min(this.#left, bytes.length);
    this.#left -= length;
    return { length, data: [bytes.subarray(0, length)], isEnd: this.#left === 0, isMalformed: false };
  }
}

const newline = 0x0a;
/** The size and extensions of a chunk, or a trailer field. */
const maxLineLength = 16_384;

/** @see RFC 9112, 7.1 */
class ChunkReader implements BodyReader {
  #state: 'size' | 'data' | 'data-end' | 'trailers' = 'size';
  /** An incomplete line. */
  #line = '';
  /** Bytes of the chunk that are still to come. */
  #left = 0;

  take(bytes: Buffer): BodyPart {
    const data: Buffer[] = [];
    let at = 0;
    while (at < bytes.length) {
      if (this.#state === 'data') {
        const end = Math.min(at + this.#left, bytes.length);
        data.push(bytes.subarray(at, end));
        this.#left -= end - at;
        if (this.#left === 0) this.#state = 'data-end';
        at = end;
        continue;
      }
      const lineEnd = bytes.indexOf(newline, at) + 1 || bytes.length;
      const line = this.#line + bytes.toString('latin1', at, lineEnd);
      const isComplete = bytes[lineEnd - 1] === newline;
      const next = isComplete ? this.#takeLine(line.trim()) : undefined;
      if (next === 'malformed' || line.length > maxLineLength)
        return { length: at, data, isEnd: false, isMalformed: true };
      this.#line = isComplete ? '' : line;
      at = lineEnd;
      if (next === 'end') return { length: at, data, isEnd: true, isMalformed: false };
    }
    return { length: at, data, isEnd: false, isMalformed: false };
  }

  #takeLine(line: string): 'malformed' | 'end' | undefined {
    switch (this.#state) {
      case 'size': {
        const size = /^([0-9a-f]{1,12})\s*(;.*)?$/i.exec(line)?.[1];
        if (size === undefined) return 'malformed';
        this.#left = Number.parseInt(size, 16);
        this.#state = this.#left === 0 ? 'trailers' : 'data';
        return undefined;
      }
      case 'trailers':
        return line === '' ? 'end' : undefined;
      case 'data-end':
        this.#state = 'size';
        return line === '' ? undefined : 'malformed';
      case 'data':
        return 'malformed';
    }
  }
}
