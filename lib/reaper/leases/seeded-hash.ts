import { randomBytes } from 'node:crypto';

const secret = randomBytes(8);
const seed = secret.readInt32LE(0);
/** Odd, so that multiplication is invertible and no two states collide. */
const factor = secret.readInt32LE(4) | 1;

/**
 * Hashes `text` to a number from 0 to 2³² − 1. The seed differs per process: clients choose the texts, and
 * must not be able to provoke collisions.
 */
export function hashOf(text: string): number {
  let hash = seed;
  for (let at = 0; at < text.length; at += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(at), factor);
    hash ^= hash >>> 15;
  }
  // Spreads the last characters over all bits.
  hash = Math.imul(hash ^ (hash >>> 16), factor);
  return (hash ^ (hash >>> 13)) >>> 0;
}
