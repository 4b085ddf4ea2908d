import type { HeapEdge, HeapGraph } from './heap-graph';
import { RetainingPaths } from './retaining-path';

/**
 * Returns the shortest path to something that can settle a promise: a timer, a listener, a variable with its
 * `resolve` function. `undefined` proves that nothing can: a variable that only refers to the promise cannot.
 *
 * @param waiting - The functions that wait for the promise, which therefore do not run.
 */
export function settlingPath(
  graph: HeapGraph,
  promise: number,
  waiting: ReadonlySet<number>,
): readonly HeapEdge[] | undefined {
  return (
    findPath(graph, promise, (edge) => waiting.has(edge.from) || isErrorListener(edge)) ??
    findPath(graph, promise, (edge) => waiting.has(edge.from))
  );
}

/** `events.once` and its like also listen for errors, which is not what they wait for. */
function isErrorListener({ type, name }: HeapEdge): boolean {
  return type === 'property' && name === 'error';
}

function findPath(
  graph: HeapGraph,
  promise: number,
  isIgnored: (edge: HeapEdge) => boolean,
): readonly HeapEdge[] | undefined {
  const isPromise = (node: number): boolean =>
    graph.nameOf(node) === 'Promise' && graph.typeOf(node) === 'object';
  /** Promises that something can settle; each search may find more. */
  const settled = new Set<number>();
  for (;;) {
    const known = settled.size;
    const paths = new RetainingPaths(graph, (edge) => {
      if (isIgnored(edge)) return true;
      if (isPromise(edge.from)) return isReaction(graph, edge) && !settled.has(edge.from);
      if (!isPromise(edge.to)) return false;
      if (canSettle(graph, edge)) settled.add(edge.to);
      // The path to the promise itself has to lead through what can settle it.
      return edge.to === promise && !settled.has(promise);
    });
    const path = paths.to(promise);
    if (settled.size === known) return settled.has(promise) ? path : undefined;
  }
}

function isReaction(graph: HeapGraph, { to }: HeapEdge): boolean {
  return graph.nameOf(to) === 'system / PromiseReaction';
}

/** Objects of Node.js that settle a promise which they refer to, such as FSReqPromise. */
const natives = /Req|Wrap|Handle|Job|WebAssembly/;

/** Returns whether a reference to a promise may come from code that settles it. */
function canSettle(graph: HeapGraph, { type, name, from }: HeapEdge): boolean {
  if (graph.typeOf(from) === 'synthetic') return true;
  if (type === 'context' || type === 'element') return false;
  // The local variables of a function.
  if (graph.typeOf(from) === 'array') return false;
  return type !== 'property' || natives.test(graph.nameOf(from)) || String(name).startsWith('<symbol');
}
