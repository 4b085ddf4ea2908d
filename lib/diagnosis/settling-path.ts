import type { HeapEdge, HeapGraph } from './heap-graph';
import { RetainingPaths } from './retaining-path';

/** The waits that a path must not lead through. */
export interface SettlingOptions {
  /** The functions that wait, which therefore do not run. */
  readonly waiting: ReadonlySet<number>;
  /** Leaves out an edge, such as one that castoff itself holds. */
  readonly isOwn?: ((edge: HeapEdge) => boolean) | undefined;
}

/**
 * Returns the shortest path to something that can settle a promise, or call a callback: a timer, a listener, a
 * variable with its `resolve` function. `undefined` proves that nothing can: a variable that only refers to the
 * promise cannot.
 *
 * @param target - The node of the promise or callback.
 */
export function settlingPath(
  graph: HeapGraph,
  target: number,
  { waiting, isOwn = () => false }: SettlingOptions,
): readonly HeapEdge[] | undefined {
  const settlers = settlersByPromise(graph);
  const isIgnored = (edge: HeapEdge): boolean => waiting.has(edge.from) || isOwn(edge);
  return (
    findPath(graph, target, settlers, (edge) => isIgnored(edge) || isErrorListener(edge)) ??
    findPath(graph, target, settlers, isIgnored)
  );
}

/** `events.once` and its like also listen for errors, which is not what they wait for. */
function isErrorListener({ type, name }: HeapEdge): boolean {
  return type === 'property' && name === 'error';
}

type Settlers = ReadonlyMap<number, readonly HeapEdge[]>;

/** Returns the references to each promise that may come from code that settles it. */
function settlersByPromise(graph: HeapGraph): Settlers {
  const settlers = new Map<number, HeapEdge[]>();
  for (let node = 0; node < graph.count; node += 1) if (isPromise(graph, node)) settlers.set(node, []);
  for (let from = 0; from < graph.count; from += 1)
    graph.eachEdge(from, (index, to) => {
      const found = settlers.get(to);
      const edge = found === undefined ? undefined : graph.edge(index, from);
      if (edge !== undefined && canSettle(graph, edge)) found?.push(edge);
    });
  return settlers;
}

function findPath(
  graph: HeapGraph,
  target: number,
  settlers: Settlers,
  isIgnored: (edge: HeapEdge) => boolean,
): readonly HeapEdge[] | undefined {
  /** Promises that something can settle; each search may find more. */
  const settled = new Set<number>();
  for (;;) {
    const paths = new RetainingPaths(graph, (edge) => {
      if (isIgnored(edge)) return true;
      if (isReaction(graph, edge) && isPromise(graph, edge.from)) return !settled.has(edge.from);
      // The path to the promise itself has to lead through what can settle it.
      return edge.to === target && settlers.get(target)?.every((one) => one.from !== edge.from) === true;
    });
    const path = paths.to(target);
    if (path !== undefined) return path;
    const known = settled.size;
    for (const [promise, edges] of settlers)
      if (!settled.has(promise) && edges.some((edge) => paths.reaches(edge.from) && !isIgnored(edge)))
        settled.add(promise);
    if (settled.size === known) return undefined;
  }
}

function isPromise(graph: HeapGraph, node: number): boolean {
  return graph.nameOf(node) === 'Promise' && graph.typeOf(node) === 'object';
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
  // The local variables of a function, and the properties of an object that has many.
  if (graph.typeOf(from) === 'array' || graph.nameOf(from) === 'system / PropertyArray') return false;
  return type !== 'property' || natives.test(graph.nameOf(from)) || String(name).startsWith('<symbol');
}
