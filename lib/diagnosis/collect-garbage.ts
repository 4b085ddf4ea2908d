import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Returns a function that collects all garbage of this thread. Only a new global object has it, and only
 * while the flag is set: the tests see neither.
 *
 * @see V8, --expose-gc
 */
export function garbageCollector(): () => void {
  const isExposed = runInNewContext('typeof gc === "function"') as boolean;
  if (!isExposed) setFlagsFromString('--expose-gc');
  try {
    return runInNewContext('gc') as () => void;
  } finally {
    if (!isExposed) setFlagsFromString('--no-expose-gc');
  }
}
