import { CastoffError } from '../core/errors';

/** A thing on an engine, as the packages around Docker hand it over: its id or name, or an object that knows its id. */
export type Ref = string | { readonly id: string } | { getId(): string };

/**
 * The id or name that `ref` stands for; `undefined` for null and undefined, so that a cleanup can stand before the check
 * whether there is anything to clean.
 *
 * @throws CastoffError `CONFIG_INVALID` naming what was got.
 */
export function idOfRef(what: string, ref: unknown): string | undefined {
  if (ref === undefined || ref === null) return undefined;
  const id = rawId(ref);
  if (typeof id !== 'string' || id.trim() === '') throw invalidRef(what, describe(ref));
  // An id is one segment of a path of the Engine API; these would lead elsewhere.
  if (id === '.' || id === '..' || id.split('/').includes('..')) throw invalidRef(what, JSON.stringify(id));
  return id.replace(/^\//, '');
}

function rawId(ref: unknown): unknown {
  if (typeof ref !== 'object' || ref === null) return ref;
  if ('getId' in ref && typeof ref.getId === 'function') return ref.getId();
  if ('id' in ref) return ref.id;
  return undefined;
}

function invalidRef(what: string, got: string): CastoffError {
  return new CastoffError(
    'CONFIG_INVALID',
    `${what}: got ${got}; give an id or a name, an object with an id, a started container, or null for nothing`,
  );
}

function describe(ref: unknown): string {
  if (typeof ref === 'string') return ref === '' ? 'an empty string' : JSON.stringify(ref);
  if (typeof ref !== 'object' || ref === null) return `${typeof ref} ${String(ref)}`;
  const keys = Object.keys(ref).slice(0, 5).join(', ');
  return `an object without an id${keys === '' ? '' : ` (it has ${keys})`}`;
}
