import type * as Crypto from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { tolerate } from './errno';

const generator = '/dev/urandom';

/** Windows has no such file, and a sandbox may not; or this process may not open it, or any other. */
const unreadable = ['ENOENT', 'EACCES', 'EPERM', 'ERR_ACCESS_DENIED', 'EMFILE', 'ENFILE'];

/**
 * Returns `byteCount` random bytes in hexadecimal, from the system's generator.
 *
 * Reads the generator's file where there is one: `node:crypto` takes 4 ms to load, and the command of `castoff run` waits
 * for the id of its session.
 *
 * @see urandom(4)
 */
export function randomHex(byteCount: number): string {
  const bytes = tolerate(unreadable, () => readGenerator(byteCount), undefined);
  const random = bytes ?? (require('node:crypto') as typeof Crypto).randomBytes(byteCount);
  return random.toString('hex');
}

function readGenerator(byteCount: number): Buffer | undefined {
  const bytes = Buffer.alloc(byteCount);
  const file = openSync(generator, 'r');
  try {
    return readSync(file, bytes) === byteCount ? bytes : undefined;
  } finally {
    closeSync(file);
  }
}
