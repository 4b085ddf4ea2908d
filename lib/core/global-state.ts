/**
 * State that exists once however often the package is loaded: bundlers and Jest's module registry make copies of a module,
 * and two registries would be two truths. It hangs under one registered symbol of the global object.
 */
export function processWide<T>(name: string, create: () => T): T {
  const everything = globalThis as { [stateKey]?: Map<string, unknown> };
  const states = (everything[stateKey] ??= new Map<string, unknown>());
  if (!states.has(name)) states.set(name, create());
  return states.get(name) as T;
}

const stateKey: unique symbol = Symbol.for('castoff.state');
