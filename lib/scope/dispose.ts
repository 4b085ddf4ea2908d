import { CastoffError } from '../core/errors';

/** Whatever can be made to end: what `scope.use` takes, and what a start may return. */
export type Stoppable = AsyncDisposable | Disposable | { stop(): unknown } | { close(): unknown };

/**
 * How to end `thing`: by `[Symbol.asyncDispose]`, `[Symbol.dispose]`, `stop` or `close`, the first that it has.
 * `undefined` for what has none.
 */
export function disposerOf(thing: unknown): (() => unknown) | undefined {
  if ((typeof thing !== 'object' && typeof thing !== 'function') || thing === null) return undefined;
  for (const name of [Symbol.asyncDispose, Symbol.dispose, 'stop', 'close']) {
    const method: unknown = Reflect.get(thing, name);
    if (typeof method === 'function') return () => Reflect.apply(method, thing, []);
  }
  return undefined;
}

/** @throws CastoffError `CONFIG_INVALID` for what cannot be ended. */
export function requireDisposer(what: string, thing: unknown): () => unknown {
  const dispose = disposerOf(thing);
  if (dispose !== undefined) return dispose;
  const got = thing === null || thing === undefined ? String(thing) : `a ${nameOf(thing)}`;
  throw new CastoffError(
    'CONFIG_INVALID',
    `${what}: got ${got}; give something with [Symbol.asyncDispose], [Symbol.dispose], stop() or close()`,
  );
}

/** @throws CastoffError `CONFIG_INVALID` for anything but a function. */
export function requireFunction(what: string, fn: unknown): void {
  if (typeof fn === 'function') return;
  throw new CastoffError('CONFIG_INVALID', `${what}: got ${nameOf(fn)}; give a function`);
}

/** What people call a thing: the name of its class, or its type. */
export function nameOf(thing: unknown): string {
  if ((typeof thing !== 'object' && typeof thing !== 'function') || thing === null) return typeof thing;
  if (typeof thing === 'function' && thing.name !== '') return thing.name;
  const { constructor } = thing;
  return typeof constructor === 'function' && constructor.name !== '' ? constructor.name : typeof thing;
}
