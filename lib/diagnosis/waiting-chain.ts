import type { HeapGraph } from './heap-graph';
import { suspendedFunction, variablesOf, waitersOf, type SuspendedFunction } from './suspended-functions';
import { userLineOfFunction } from './user-code';

type Suspended = ReadonlyMap<number, SuspendedFunction>;

/** A function of the user that waits, and the functions of the user that wait for it. */
export interface WaitingFunction {
  readonly node: number;
  readonly awaits: number;
  /** The nodes of the functions that wait for it, directly or through others. */
  readonly callers: ReadonlySet<number>;
}

/** The functions of the user that wait, at one moment. */
export interface WaitingFunctions {
  /** Those that a test waits for, callers after what they wait for; its own function is the last one. */
  readonly chain: readonly WaitingFunction[];
  /** The function of the test, if it waits at an `await`. */
  readonly own: number | undefined;
  readonly others: readonly WaitingFunction[];
}

/**
 * Finds the functions of the user that have not returned.
 *
 * @param all - The functions of the process that have not returned.
 * @param target - What the test waits for: its promise, or its callback `done`.
 */
export function findWaiting(graph: HeapGraph, all: Suspended, target: number): WaitingFunctions {
  const known = [...all].filter(([node]) => isOfUser(graph, node));
  const own = known.find(([, { promise }]) => promise === target)?.[0];
  const waiters = new Map(
    known.map(([node, { promise }]) => [
      node,
      promise === undefined ? new Set<number>() : waitersOf(graph, promise),
    ]),
  );
  const ofUser = known.map(([node, { awaits }]): WaitingFunction => {
    const isCaller = ([caller, one]: readonly [number, SuspendedFunction]): boolean =>
      caller !== node && waiters.get(node)?.has(one.awaits) === true;
    return { node, awaits, callers: new Set(known.filter(isCaller).map(([caller]) => caller)) };
  });
  const isInChain = ({ node, callers }: WaitingFunction): boolean => {
    if (own !== undefined) return node === own || callers.has(own);
    return waiters.get(node)?.has(target) === true || mayCall(graph, node, target);
  };
  const chain = ofUser.filter(isInChain).toSorted((a, b) => b.callers.size - a.callers.size);
  return { chain, own, others: ofUser.filter((one) => !chain.includes(one)) };
}

/** Returns the functions outside of the user's code that a function waits for, by their nodes. */
export function findCalledPackages(
  graph: HeapGraph,
  all: Suspended,
  { awaits }: WaitingFunction,
): readonly number[] {
  return [...all].flatMap(([node, { promise }]) => {
    if (promise === undefined || isOfUser(graph, node)) return [];
    return waitersOf(graph, promise).has(awaits) ? [node] : [];
  });
}

function isOfUser(graph: HeapGraph, node: number): boolean {
  const closure = suspendedFunction(graph, node);
  return closure !== undefined && userLineOfFunction(graph, closure) !== undefined;
}

/** Returns whether a callback is among the variables that a suspended function can use. */
function mayCall(graph: HeapGraph, node: number, callback: number): boolean {
  if (graph.typeOf(callback) !== 'closure') return false;
  const variables = variablesOf(graph, node);
  if (variables !== undefined && refersTo(graph, variables, callback)) return true;
  let context = graph.follow(node, 'context');
  for (; context !== undefined; context = graph.follow(context, 'previous'))
    if (refersTo(graph, context, callback)) return true;
  return false;
}

function refersTo(graph: HeapGraph, node: number, callback: number): boolean {
  return graph.edgesOf(node).some(({ to }) => to === callback);
}
