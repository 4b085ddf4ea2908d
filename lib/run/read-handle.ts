import type { OpenHandle } from '../verdict/verdict';
import { isFields } from '../core/fields';

/** Returns the handle that `value`, parsed from a worker's line, represents; `undefined` when it is not one. */
export function readHandle(value: unknown): OpenHandle | undefined {
  if (!isFields(value)) return undefined;
  const { kind, what, source, scope, test, createdAt, count, ageMs } = value;
  const texts = [kind, what, scope, createdAt];
  const optional = [source, test];
  const isValid =
    texts.every((text) => typeof text === 'string') &&
    optional.every((text) => text === undefined || typeof text === 'string') &&
    Number.isSafeInteger(count) &&
    typeof ageMs === 'number';
  // The kind comes from a worker of the same version of castoff.
  return isValid ? ({ kind, what, source, scope, test, createdAt, count, ageMs } as OpenHandle) : undefined;
}
