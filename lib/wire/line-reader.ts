import { isUtf8 } from 'node:buffer';

/** One line without its line end, or the reason why it was refused. */
export type RawLine = { readonly text: string } | { readonly refusal: string };

const newline = 0x0a;
const carriageReturn = 0x0d;
const minBufferBytes = 256;

/**
 * Splits a stream of bytes into lines that end in `\n` or `\r\n`, wherever chunks are split.
 *
 * An incomplete last line is never returned: the first half of `label=a=b&label=c=d` is a filter that matches
 * more than the whole. A line longer than `maxLineBytes` is refused once and skipped; at most one line is
 * buffered.
 */
export class LineReader {
  readonly #maxLineBytes: number;
  #buffer: Buffer = Buffer.alloc(0);
  #length = 0;
  #isSkipping = false;

  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes;
  }

  /** The buffered bytes of an incomplete line. */
  get heldBytes(): number {
    return this.#length;
  }

  push(chunk: Buffer): RawLine[] {
    const lines: RawLine[] = [];
    for (let from = 0; from < chunk.length;) {
      const end = chunk.indexOf(newline, from);
      const part = chunk.subarray(from, end === -1 ? chunk.length : end);
      if (!this.#isSkipping && !this.#append(part)) {
        lines.push({ refusal: `line longer than ${this.#maxLineBytes} bytes` });
        this.#isSkipping = true;
      }
      if (end === -1) break;
      if (!this.#isSkipping) lines.push(this.#take());
      this.#isSkipping = false;
      from = end + 1;
    }
    return lines;
  }

  /** Returns whether `part` fits. A last `\r` does not count, since it may belong to the line end. */
  #append(part: Buffer): boolean {
    const length = this.#length + part.length;
    const last = part.length === 0 ? this.#buffer[this.#length - 1] : part.at(-1);
    if (length - (last === carriageReturn ? 1 : 0) > this.#maxLineBytes) {
      this.#clear();
      return false;
    }
    if (length > this.#buffer.length) this.#grow(length);
    part.copy(this.#buffer, this.#length);
    this.#length = length;
    return true;
  }

  #grow(neededBytes: number): void {
    // Doubled, so that a client that sends single bytes does not cause a copy of the line for each.
    const grown = Buffer.alloc(Math.max(minBufferBytes, neededBytes, this.#buffer.length * 2));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }

  #take(): RawLine {
    const length = this.#buffer[this.#length - 1] === carriageReturn ? this.#length - 1 : this.#length;
    const bytes = this.#buffer.subarray(0, Math.max(0, length));
    const line = isUtf8(bytes) ? { text: bytes.toString() } : { refusal: 'invalid UTF-8' };
    this.#clear();
    return line;
  }

  #clear(): void {
    this.#length = 0;
    // Free the buffer of a long line; most lines are short.
    if (this.#buffer.length > minBufferBytes) this.#buffer = Buffer.alloc(0);
  }
}
