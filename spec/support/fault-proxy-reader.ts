/** The start of an HTTP/1.1 message: its first line, and its headers by name in lower case. */
export interface Head {
  readonly line: string;
  readonly headers: ReadonlyMap<string, string>;
}

/** The framing of a body: a number of bytes, chunks, or everything until the connection ends. */
export type Body = number | 'chunks' | 'everything';

/** A head or a part of a body, its parsed head, and the remaining bytes. */
export interface Piece {
  readonly bytes: Buffer;
  readonly start?: { readonly head: Head; readonly body: Body };
  /** Whether the message is complete with these bytes. */
  readonly ended: boolean;
  readonly rest: Buffer;
}

const nothing = Buffer.alloc(0);

/** Finds the start and end of messages in a stream of bytes, without changing them. */
export class MessageReader {
  readonly #bodyAfter: (head: Head) => Body;
  #start: Buffer = nothing;
  #count: CountBody | undefined;

  constructor(bodyAfter: (head: Head) => Body) {
    this.#bodyAfter = bodyAfter;
  }

  /** Removes a head, or a part of a body, from the front. An incomplete head is buffered. */
  take(bytes: Buffer): Piece {
    if (this.#count) return this.#takeBody(bytes, this.#count);
    const all = Buffer.concat([this.#start, bytes]);
    const end = all.indexOf('\r\n\r\n');
    if (end < 0) {
      this.#start = all;
      return { bytes: nothing, ended: false, rest: nothing };
    }
    this.#start = nothing;
    const head = parseHead(all.toString('latin1', 0, end));
    const body = this.#bodyAfter(head);
    this.#count = body === 0 ? undefined : countBody(body);
    return {
      start: { head, body },
      bytes: all.subarray(0, end + 4),
      ended: body === 0,
      rest: all.subarray(end + 4),
    };
  }

  #takeBody(bytes: Buffer, count: CountBody): Piece {
    const { length, ended } = count(bytes);
    if (ended) this.#count = undefined;
    return { bytes: bytes.subarray(0, length), ended, rest: bytes.subarray(length) };
  }
}

function parseHead(text: string): Head {
  const [line = '', ...fields] = text.trimStart().split('\r\n');
  const headers = fields.map((field): [string, string] => {
    const colon = field.indexOf(':');
    return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()];
  });
  return { line, headers: new Map(headers) };
}

/** Returns how many of these bytes belong to the body, and whether it ends with them. */
type CountBody = (bytes: Buffer) => { readonly length: number; readonly ended: boolean };

function countBody(body: Body): CountBody {
  if (body === 'everything') return ({ length }) => ({ length, ended: false });
  return body === 'chunks' ? countChunks() : countBytes(body);
}

function countBytes(total: number): CountBody {
  let left = total;
  return (bytes) => {
    const length = Math.min(left, bytes.length);
    left -= length;
    return { length, ended: left === 0 };
  };
}

function countChunks(): CountBody {
  let line = '';
  let left = 0;
  let inTrailers = false;
  return (bytes) => {
    let at = 0;
    while (at < bytes.length) {
      if (left > 0) {
        const length = Math.min(left, bytes.length - at);
        left -= length;
        at += length;
        continue;
      }
      const newline = bytes.indexOf('\n', at);
      const end = newline < 0 ? bytes.length : newline + 1;
      line += bytes.toString('latin1', at, end);
      at = end;
      if (newline < 0) break;
      const complete = line.trim();
      line = '';
      if (inTrailers && complete === '') return { length: at, ended: true };
      if (inTrailers) continue;
      const size = Number.parseInt(complete, 16);
      if (size === 0) inTrailers = true;
      else left = size + 2;
    }
    return { length: at, ended: false };
  };
}
