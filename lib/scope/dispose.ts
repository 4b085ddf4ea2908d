import { CastoffError } from '../core/errors';

type Method<Name extends string> = { readonly [Key in Name]: (...args: never[]) => unknown };

/** A value with a method that ends it, for `scope.use` or as the result of a startable's `start()`. */
export type Stoppable =
  | AsyncDisposable
  | Disposable
  | Method<'stop'>
  | Method<'quit'>
  | Method<'end'>
  | Method<'close'>
  | Method<'$disconnect'>
  | Method<'disconnect'>
  | Method<'destroy'>;

/**
 * The most graceful method comes first. ioredis and node-redis: `quit` waits for pending replies,
 * `disconnect` does not. MySQL and PostgreSQL drivers: `end` is graceful, `close` and `destroy` are not.
 */
const methods = ['stop', 'quit', 'end', 'close', '$disconnect', 'disconnect', 'destroy'] as const;

/** Returns a function that ends `value` by the first of its disposal symbols and {@link methods}, if any. */
export function disposerOf(value: unknown): (() => unknown) | undefined {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined;
  for (const name of [Symbol.asyncDispose, Symbol.dispose, ...methods]) {
    const method: unknown = Reflect.get(value, name);
    if (typeof method === 'function') return () => Reflect.apply(method, value, []);
  }
  return undefined;
}

/** Like {@link disposerOf}. @throws CastoffError `CONFIG_INVALID` when no method of `value` ends it. */
export function requireDisposer(what: string, value: unknown): () => unknown {
  const dispose = disposerOf(value);
  if (dispose !== undefined) return dispose;
  const got = value === null || value === undefined ? String(value) : `a ${typeNameOf(value)}`;
  throw new CastoffError(
    'CONFIG_INVALID',
    `${what}: got ${got}; give something with [Symbol.asyncDispose], [Symbol.dispose], ${methods.slice(0, -1).join('(), ')}() or ${methods.at(-1)}()`,
  );
}

/** @throws CastoffError `CONFIG_INVALID` when `fn` is not a function. */
export function requireFunction(what: string, fn: unknown): void {
  if (typeof fn === 'function') return;
  throw new CastoffError('CONFIG_INVALID', `${what}: got ${typeNameOf(fn)}; give a function`);
}

/** Returns the name of a function or of the value's class, else its type. */
export function typeNameOf(value: unknown): string {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return typeof value;
  if (typeof value === 'function' && value.name !== '') return value.name;
  const { constructor } = value;
  return typeof constructor === 'function' && constructor.name !== '' ? constructor.name : typeof value;
}
