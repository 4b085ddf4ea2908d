/** Calls the original function, with its own arguments unless `args` are given. */
export type OriginalCall = (args?: readonly unknown[]) => unknown;

/** Wraps `module[name]` so that `around` handles every call. Returns a function that removes the wrapper. */
export function watchFunction<Name extends string>(
  module: { [N in Name]: (...args: never[]) => unknown },
  name: Name,
  around: (call: OriginalCall, args: readonly unknown[]) => unknown,
): () => void {
  const original = module[name];
  let isStopped = false;
  // A proxy keeps the name, length and promisified form of the original function.
  const watched = new Proxy(original, {
    // Stacks show the name: lib/diagnosis/origin.ts skips it.
    apply: function watchedCall(target, self: unknown, args: readonly unknown[]) {
      const call: OriginalCall = (newArgs = args) => Reflect.apply(target, self, newArgs);
      return isStopped ? call() : around(call, args);
    },
  });
  const assign = (value: unknown): void => void Object.assign(module, { [name]: value });
  assign(watched);
  return () => {
    isStopped = true;
    // Other code may have wrapped the function again since.
    if (module[name] === watched) assign(original);
  };
}
