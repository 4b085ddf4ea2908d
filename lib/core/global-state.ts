/**
 * Returns the state called `name`, created on first use. It exists once per global object, even when bundlers
 * or Jest's module registry load several copies of the package: two registries would contradict each other.
 */
export function processWide<T>(name: string, create: () => T): T {
  const holder = globalThis as { [stateKey]?: Map<string, unknown> };
  const states = (holder[stateKey] ??= new Map<string, unknown>());
  if (!states.has(name)) states.set(name, create());
  return states.get(name) as T;
}

const stateKey: unique symbol = Symbol.for('castoff.state');
