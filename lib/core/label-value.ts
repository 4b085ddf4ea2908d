import { createHash } from 'node:crypto';

const mostBytes = 512;
const hashDigits = 12;

/**
 * `text` as the value of a label. A command line takes 128 KB in one argument and no NUL, and an address no half of a surrogate pair:
 * more than 512 bytes are cut, between two characters, and end in `…` and a hash of the whole, so that two long names stay apart.
 *
 * @see Linux, execve(2): MAX_ARG_STRLEN
 */
export function labelValue(text: string): string {
  const value = text.toWellFormed().replaceAll('\0', '\uFFFD');
  const bytes = Buffer.from(value);
  if (bytes.length <= mostBytes) return value;
  const mark = `…${createHash('sha256').update(bytes).digest('hex').slice(0, hashDigits)}`;
  let end = mostBytes - Buffer.byteLength(mark);
  while (isContinuation(bytes[end])) end -= 1;
  return `${bytes.subarray(0, end).toString()}${mark}`;
}

/** Whether a byte of UTF-8 is not the first one of its character. */
function isContinuation(byte = 0): boolean {
  return byte >= 0x80 && byte < 0xc0;
}
