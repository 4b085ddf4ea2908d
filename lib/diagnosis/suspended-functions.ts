import type { HeapGraph } from './heap-graph';

/** The field of a generator that holds its local variables while it is suspended. */
const registers = 'parameters_and_registers';

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

/** Promise → reactions → function that continues → its context → generator → its own promise. */
function leadsOn(graph: HeapGraph, { isGenerator, type, name, to }: Step): boolean {
  if (isGenerator) return type === 'hidden' && graph.nameOf(to) === 'Promise';
  if (name === 'reactions_or_result') return graph.nameOf(to) === 'system / PromiseReaction';
  if (type === 'hidden') {
    const kind = graph.nameOf(to);
    return graph.typeOf(to) === 'closure' || kind === 'system / PromiseReaction' || kind === 'Promise';
  }
  return (name === 'context' && graph.nameOf(to) === 'system / Context') || isSuspended(graph, to);
}
