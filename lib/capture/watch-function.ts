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
  // It looks like the original function: same name, same length, same promisified form.
  const watched = new Proxy(original, {
    apply(target, self: unknown, args: readonly unknown[]) {
      const call: OwnCall = (own = args) => Reflect.apply(target, self, own);
      return isOver ? call() : around(call, args);
    },
  });
  const put = (value: unknown): void => void Object.assign(module, { [name]: value });
  put(watched);
  return () => {
    isOver = true;
    // Somebody else may have put theirs over ours since.
    if (module[name] === watched) put(original);
  };
}
