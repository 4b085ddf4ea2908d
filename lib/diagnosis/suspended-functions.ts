import type { HeapGraph } from './heap-graph';

/** The field of a generator that holds its local variables while it is suspended. */
const registers = 'parameters_and_registers';
const reaction = 'system / PromiseReaction';
const request = 'system / AsyncGeneratorRequest';

/**
 * Returns the functions that wait for a promise, directly or through other promises, as nodes of generators:
 * V8 runs an async function as one.
 *
 * @see V8, JSGeneratorObject, JSPromise, PromiseReaction, and the contexts of await
 */
export function functionsAwaiting(graph: HeapGraph, promise: number): readonly number[] {
  return [...waitersOf(graph, promise)].filter((node) => isSuspended(graph, node));
}

/** Returns a promise, and the promises and functions that wait for it, directly or through others. */
export function waitersOf(graph: HeapGraph, promise: number): ReadonlySet<number> {
  const found = new Set([promise]);
  // A set visits what is added meanwhile.
  for (const node of found) {
    const isGenerator = isSuspended(graph, node);
    for (const { type, name, to } of graph.edgesOf(node))
      if (leadsOn(graph, { isGenerator, type, name, to })) found.add(to);
  }
  return found;
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
const carriers = new Set(['Promise', reaction, request, 'system / PromiseCapability']);

/** Promise → reactions → function that continues → its context → generator → its own promise. */
function leadsOn(graph: HeapGraph, { isGenerator, type, name, to }: Step): boolean {
  const kind = graph.nameOf(to);
  if (isGenerator) return type === 'hidden' && (kind === 'Promise' || kind === request);
  if (name === 'reactions_or_result') return kind === reaction;
  if (type === 'hidden') return graph.typeOf(to) === 'closure' || carriers.has(kind);
  // The variables of a callback: it can settle a promise that it has created.
  if (type === 'context' && name === 'resolve') return graph.typeOf(to) === 'closure';
  return (name === 'context' && kind === 'system / Context') || isSuspended(graph, to);
}

/** What a suspended function waits for, and the promise that it has returned. */
export interface SuspendedFunction {
  /** The promise that it awaits. */
  readonly awaits: number;
  /** Its own promise; of an async generator, that of its oldest request. */
  readonly promise: number | undefined;
}

/** Returns the functions that await a promise, by their nodes. */
export function suspendedFunctions(graph: HeapGraph): ReadonlyMap<number, SuspendedFunction> {
  const found = new Map<number, SuspendedFunction>();
  for (let node = 0; node < graph.count; node += 1) {
    if (graph.nameOf(node) !== 'Promise' || graph.typeOf(node) !== 'object') continue;
    const first = graph.follow(node, 'reactions_or_result');
    for (let next = first; next !== undefined && graph.nameOf(next) === reaction;) {
      const edges = graph.edgesOf(next).filter(({ type }) => type === 'hidden');
      for (const { to } of edges) {
        const context = graph.typeOf(to) === 'closure' ? graph.follow(to, 'context') : undefined;
        const continued = context === undefined ? undefined : continuedBy(graph, context);
        if (continued !== undefined)
          found.set(continued.generator, { awaits: node, promise: continued.promise });
      }
      next = edges.find(({ to }) => graph.nameOf(to) === reaction)?.to;
    }
  }
  return found;
}

interface Continued {
  readonly generator: number;
  readonly promise: number | undefined;
}

/** Returns the function that a callback with this context continues. */
function continuedBy(graph: HeapGraph, context: number): Continued | undefined {
  const generator = graph.follow(context, 'extension');
  if (generator !== undefined && isSuspended(graph, generator))
    return { generator, promise: promiseOf(graph, generator) };
  // Compiled for an older JavaScript: `__awaiter` of TypeScript, and `asyncToGenerator` of Babel and SWC.
  const resolve = graph.follow(context, 'resolve', 'context');
  if (resolve === undefined || graph.follow(context, 'reject') === undefined) return undefined;
  const contexts = [context, graph.follow(context, 'previous')].filter((node) => node !== undefined);
  const variables = contexts.flatMap((node) => graph.edgesOf(node)).filter(({ type }) => type === 'context');
  const compiled = variables.find(({ to }) => isSuspended(graph, to))?.to;
  return compiled === undefined ? undefined : { generator: compiled, promise: promiseIn(graph, resolve) };
}

function promiseOf(graph: HeapGraph, generator: number): number | undefined {
  const queue = graph.edgesOf(generator).find(({ to }) => graph.nameOf(to) === request)?.to;
  return promiseIn(graph, queue ?? generator);
}

function promiseIn(graph: HeapGraph, node: number): number | undefined {
  return graph.edgesOf(node).find(({ type, to }) => type === 'hidden' && graph.nameOf(to) === 'Promise')?.to;
}
