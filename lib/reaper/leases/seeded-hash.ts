import { randomBytes } from 'node:crypto';

const secret = randomBytes(8);
const seed = secret.readInt32LE(0);
/** Odd, so that each step can be undone: no two states become one. */
const factor = secret.readInt32LE(4) | 1;

/**
 * A hash of `text` from 0 to 2³² − 1 that differs from process to process: clients choose what is hashed, and cannot choose texts of
 * one hash.
 */
export function hashOf(text: string): number {
  let hash = seed;
  for (let at = 0; at < text.length; at += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(at), factor);
    hash ^= hash >>> 15;
  }
  // The last characters reach all bits.
  hash = Math.imul(hash ^ (hash >>> 16), factor);
  return (hash ^ (hash >>> 13)) >>> 0;
}
