import { isUtf8 } from 'node:buffer';

/** One line without its end, or why it cannot be one. */
export type RawLine = { readonly text: string } | { readonly refusal: string };

const newline = 0x0a;
const carriageReturn = 0x0d;
const smallestRoomBytes = 256;

/**
 * Makes lines of bytes that come in pieces: ended by `\n` or `\r\n`, split anywhere. What follows the last end is half a line,
 * and never given out: half of `label=a=b&label=c=d` is a filter that covers more than its whole.
 *
 * It holds one line at the most. One longer than `longestBytes` is refused once, and skipped to its end.
 */
export class LineReader {
  readonly #longestBytes: number;
  #held: Buffer = Buffer.alloc(0);
  #length = 0;
  #isSkipping = false;

  constructor(longestBytes: number) {
    this.#longestBytes = longestBytes;
  }

  /** How many bytes of an unfinished line are held. */
  get heldBytes(): number {
    return this.#length;
  }

  push(chunk: Buffer): RawLine[] {
    const lines: RawLine[] = [];
    for (let from = 0; from < chunk.length;) {
      const end = chunk.indexOf(newline, from);
      const part = chunk.subarray(from, end === -1 ? chunk.length : end);
      if (!this.#isSkipping && !this.#hold(part)) {
        lines.push({ refusal: `a line of more than ${this.#longestBytes} bytes` });
        this.#isSkipping = true;
      }
      if (end === -1) break;
      if (!this.#isSkipping) lines.push(this.#take());
      this.#isSkipping = false;
      from = end + 1;
    }
    return lines;
  }

  /** Whether there was room. A `\r` that may belong to the line's end has its own. */
  #hold(part: Buffer): boolean {
    const length = this.#length + part.length;
    const last = part.length === 0 ? this.#held[this.#length - 1] : part.at(-1);
    if (length - (last === carriageReturn ? 1 : 0) > this.#longestBytes) {
      this.#empty();
      return false;
    }
    if (length > this.#held.length) this.#grow(length);
    part.copy(this.#held, this.#length);
    this.#length = length;
    return true;
  }

  #grow(neededBytes: number): void {
    // Doubled: a client that sends byte by byte would have the whole line copied for each.
    const grown = Buffer.alloc(Math.max(smallestRoomBytes, neededBytes, this.#held.length * 2));
    this.#held.copy(grown, 0, 0, this.#length);
    this.#held = grown;
  }

  #take(): RawLine {
    const length = this.#held[this.#length - 1] === carriageReturn ? this.#length - 1 : this.#length;
    const bytes = this.#held.subarray(0, Math.max(0, length));
    const line = isUtf8(bytes) ? { text: bytes.toString() } : { refusal: 'no valid UTF-8' };
    this.#empty();
    return line;
  }

  #empty(): void {
    this.#length = 0;
    // Room for a long line is not kept for the short ones that follow.
    if (this.#held.length > smallestRoomBytes) this.#held = Buffer.alloc(0);
  }
}
