/** Calls what was there before; with other arguments where `args` are given. */
export type OwnCall = (args?: readonly unknown[]) => unknown;

/** Has `around` make every call of `module[name]`. Returns what ends that. */
export function watchFunction<Name extends string>(
  module: { [N in Name]: (...args: never[]) => unknown },
  name: Name,
  around: (call: OwnCall, args: readonly unknown[]) => unknown,
): () => void {
  const original = module[name];
  let isOver = false;
  function watched(this: unknown, ...args: unknown[]): unknown {
    const call: OwnCall = (own = args) => Reflect.apply(original, this, own);
    return isOver ? call() : around(call, args);
  }
  const put = (value: unknown): void => void Object.assign(module, { [name]: value });
  // What hangs on the function, such as its form for promises, stays.
  put(Object.assign(watched, original));
  return () => {
    isOver = true;
    // Somebody else may have put theirs over ours since.
    if (module[name] === (watched as unknown)) put(original);
  };
}
