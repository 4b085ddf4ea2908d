import { CastoffError } from '../core/errors';

type Method<Name extends string> = { readonly [Key in Name]: (...args: never[]) => unknown };

/** Whatever can be made to end: what `scope.use` takes, and what a start may return. */
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
 * Of several, the most graceful comes first: ioredis and node-redis `quit` after their last answer and `disconnect` at once; drivers of
 * MySQL and PostgreSQL `end` in good order, and `close` or `destroy` at once.
 */
const methods = ['stop', 'quit', 'end', 'close', '$disconnect', 'disconnect', 'destroy'] as const;

/**
 * How to end `thing`: by `[Symbol.asyncDispose]`, `[Symbol.dispose]`, or one of {@link methods}, the first that it has.
 * `undefined` for what has none.
 */
export function disposerOf(thing: unknown): (() => unknown) | undefined {
  if ((typeof thing !== 'object' && typeof thing !== 'function') || thing === null) return undefined;
  for (const name of [Symbol.asyncDispose, Symbol.dispose, ...methods]) {
    const method: unknown = Reflect.get(thing, name);
    if (typeof method === 'function') return () => Reflect.apply(method, thing, []);
  }
  return undefined;
}

/** @throws CastoffError `CONFIG_INVALID` for what cannot be ended. */
export function requireDisposer(what: string, thing: unknown): () => unknown {
  const dispose = disposerOf(thing);
  if (dispose !== undefined) return dispose;
  const got = thing === null || thing === undefined ? String(thing) : `a ${describeDisposable(thing)}`;
  throw new CastoffError(
    'CONFIG_INVALID',
    `${what}: got ${got}; give something with [Symbol.asyncDispose], [Symbol.dispose], ${methods.slice(0, -1).join('(), ')}() or ${methods.at(-1)}()`,
  );
}

/** @throws CastoffError `CONFIG_INVALID` for anything but a function. */
export function requireFunction(what: string, fn: unknown): void {
  if (typeof fn === 'function') return;
  throw new CastoffError('CONFIG_INVALID', `${what}: got ${describeDisposable(fn)}; give a function`);
}

/** What people call a thing: the name of its class, or its type. */
export function describeDisposable(thing: unknown): string {
  if ((typeof thing !== 'object' && typeof thing !== 'function') || thing === null) return typeof thing;
  if (typeof thing === 'function' && thing.name !== '') return thing.name;
  const { constructor } = thing;
  return typeof constructor === 'function' && constructor.name !== '' ? constructor.name : typeof thing;
}
