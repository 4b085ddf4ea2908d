import { createHash } from 'node:crypto';

const maxBytes = 512;
const hashDigits = 12;

/**
 * Converts `text` to a label value that command lines and URLs accept: well-formed, without NUL, at most 512
 * bytes.
 *
 * A longer text is cut between two characters and ends in `…` and a hash of the full text, so that long
 * values stay distinct.
 *
 * @see Linux, execve(2): MAX_ARG_STRLEN
 */
export function labelValue(text: string): string {
  const value = text.toWellFormed().replaceAll('\0', '\uFFFD');
  const bytes = Buffer.from(value);
  if (bytes.length <= maxBytes) return value;
  const suffix = `…${createHash('sha256').update(bytes).digest('hex').slice(0, hashDigits)}`;
  let end = maxBytes - Buffer.byteLength(suffix);
  while (isContinuation(bytes[end])) end -= 1;
  return `${bytes.subarray(0, end).toString()}${suffix}`;
}

function isContinuation(byte = 0): boolean {
  return byte >= 0x80 && byte < 0xc0;
}
