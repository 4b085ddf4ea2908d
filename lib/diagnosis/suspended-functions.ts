import type { HeapGraph } from './heap-graph';

/** The field of a generator that holds its local variables while it is suspended. */
const registers = 'parameters_and_registers';
const reaction = 'system / PromiseReaction';

/**
 * Returns the functions that wait for a promise, directly or through other promises, as nodes of generators:
 * V8 runs an async function as one.
 *
 * @see V8, JSGeneratorObject, JSPromise, PromiseReaction, and the contexts of await
 */
export function functionsAwaiting(graph: HeapGraph, promise: number): readonly number[] {
  const generators: number[] = [];
  const seen = new Set([promise]);
  const queue = [promise];
  for (let node = queue.shift(); node !== undefined; node = queue.shift()) {
    const isGenerator = isSuspended(graph, node);
    if (isGenerator) generators.push(node);
    for (const { type, name, to } of graph.edgesOf(node)) {
      if (seen.has(to) || !leadsOn(graph, { isGenerator, type, name, to })) continue;
      seen.add(to);
      queue.push(to);
    }
  }
  return generators;
}

/** Returns whether a node is a generator or an async function, which has started and not ended. */
function isSuspended(graph: HeapGraph, node: number): boolean {
  return suspendedFunction(graph, node) !== undefined;
}

/** Returns the function of a generator or async function that has started and not ended. */
export function suspendedFunction(graph: HeapGraph, node: number): number | undefined {
  // Only functions and what they make have positions.
  if (graph.typeOf(node) !== 'object' || graph.positionOf(node) === undefined) return undefined;
  return graph.follow(node, registers) === undefined ? undefined : graph.follow(node, 'function');
}

/** Returns the node of the local variables of a suspended function. */
export function variablesOf(graph: HeapGraph, generator: number): number | undefined {
  return graph.follow(generator, registers);
}

interface Step {
  readonly isGenerator: boolean;
  readonly type: string;
  readonly name: string | number;
  readonly to: number;
}

/** What V8 keeps of `.then`, `Promise.all` and the like. */
const carriers = new Set(['Promise', reaction, 'system / PromiseCapability']);

/** Promise → reactions → function that continues → its context → generator → its own promise. */
function leadsOn(graph: HeapGraph, { isGenerator, type, name, to }: Step): boolean {
  if (isGenerator) return type === 'hidden' && graph.nameOf(to) === 'Promise';
  if (name === 'reactions_or_result') return graph.nameOf(to) === reaction;
  if (type === 'hidden') {
    const kind = graph.nameOf(to);
    return graph.typeOf(to) === 'closure' || carriers.has(kind);
  }
  return (name === 'context' && graph.nameOf(to) === 'system / Context') || isSuspended(graph, to);
}

/** Returns the promise of an async function that has not returned. */
export function promiseOf(graph: HeapGraph, generator: number): number | undefined {
  return graph.edgesOf(generator).find(({ type, to }) => type === 'hidden' && graph.nameOf(to) === 'Promise')
    ?.to;
}

/** Returns the promise that each suspended function awaits, by the function's node. */
export function awaitedPromises(graph: HeapGraph): ReadonlyMap<number, number> {
  const awaited = new Map<number, number>();
  for (let node = 0; node < graph.count; node += 1) {
    if (graph.nameOf(node) !== 'Promise' || graph.typeOf(node) !== 'object') continue;
    const first = graph.follow(node, 'reactions_or_result');
    for (let next = first; next !== undefined && graph.nameOf(next) === reaction;) {
      const edges = graph.edgesOf(next).filter(({ type }) => type === 'hidden');
      for (const { to } of edges) {
        const generator =
          graph.typeOf(to) === 'closure' ? graph.follow(to, 'context', 'extension') : undefined;
        if (generator !== undefined && isSuspended(graph, generator)) awaited.set(generator, node);
      }
      next = edges.find(({ to }) => graph.nameOf(to) === reaction)?.to;
    }
  }
  return awaited;
}
