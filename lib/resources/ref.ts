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
  if (typeof id !== 'string' || id === '') throw invalidRef(what, describe(ref, id));
  // What a command has printed ends in a newline: as a name it would be unknown, which is taken for gone.
  if (id !== id.trim()) throw invalidRef(what, JSON.stringify(id));
  // An id is a part of a path of the Engine API; these would lead elsewhere: `//json` to a host of that name.
  const name = id.replace(/^\//, '');
  if (name.split('/').some((part) => ['', '.', '..'].includes(part))) {
    throw invalidRef(what, JSON.stringify(id));
  }
  return name;
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

function describe(ref: unknown, id: unknown): string {
  if (typeof ref !== 'object' || ref === null) return describeValue(ref);
  if ('then' in ref && typeof ref.then === 'function') return 'a promise (is an `await` missing?)';
  if ('id' in ref || 'getId' in ref) return `an object whose id is ${describeValue(id)}`;
  const keys = Object.keys(ref).slice(0, 5).join(', ');
  return `an object without an id${keys === '' ? '' : ` (it has ${keys})`}`;
}

function describeValue(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value === '' ? 'an empty string' : JSON.stringify(value);
    case 'object':
      return value === null ? 'null' : 'an object';
    case 'function':
      return `function ${value.name}`;
    case 'undefined':
      return 'undefined';
    case 'number':
    case 'bigint':
    case 'boolean':
    case 'symbol':
      return `${typeof value} ${String(value)}`;
  }
}
