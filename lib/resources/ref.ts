import { CastoffError } from '../core/errors';

/**
 * A reference to a resource, in the forms that Docker packages use: an id or name, or an object with an id.
 */
export type Ref = string | { readonly id: string } | { getId(): string };

/** A reference, or nothing to clean up. */
export type OptionalRef = Ref | null | undefined;

/**
 * Returns the id or name of `ref`, or `undefined` for null and undefined, so that a cleanup can be registered
 * before a resource exists.
 *
 * @throws CastoffError `CONFIG_INVALID` naming the invalid value.
 */
export function idOfRef(what: string, ref: unknown): string | undefined {
  if (ref === undefined || ref === null) return undefined;
  const id = rawId(ref);
  if (typeof id !== 'string' || id === '') throw invalidRef(what, describe(ref, id));
  // Command output ends in a newline. As a name it would not exist, and would count as removed.
  if (id !== id.trim()) throw invalidRef(what, JSON.stringify(id));
  // An id becomes part of an Engine API path; these would address other endpoints, and `//json` another host.
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
    `${what}: got ${got}; give an id, a name, an object with an id, a started container, or null to skip`,
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
