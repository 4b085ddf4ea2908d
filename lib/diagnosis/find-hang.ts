import { setTimeout as delay } from 'node:timers/promises';
import { awaitPositions } from './await-positions';
import { describePath, holderOn } from './describe-path';
import type { HeapGraph, ScriptPosition } from './heap-graph';
import { findByKey, heapKey } from './heap-key';
import { settlingPath } from './settling-path';
import { awaitedPromises, functionsAwaiting, promiseOf, suspendedFunction } from './suspended-functions';
import { suspendedPositions } from './suspended-positions';
import { takeHeapGraph } from './take-heap-graph';
import { userLineOfFunction } from './user-code';

/** A function that waits at an `await`. */
export interface Wait {
  /** Empty for an anonymous function. */
  readonly name: string;
  /** The line of its `await`, or else of the function, as `file:line`. */
  readonly line: string;
  readonly isExact: boolean;
  /** Whether it came back to the same `await` between two looks. */
  readonly repeats: boolean;
  /** The innermost function of the test alone: what can end its wait; `nothing` is proven. */
  readonly endedBy?: { readonly nothing: true } | { readonly path: string | undefined } | undefined;
}

/** A function of a test or hook that has returned a promise. */
export interface RunningFunction {
  readonly promise: object;
  /** The function, if it is an async function, whose promise no other code settles. */
  readonly code: unknown;
}

/** Where a test waits. */
export interface Hang {
  /** The functions that the test waits for, the innermost first; the last one is its own. */
  readonly chain: readonly Wait[];
  /** Other functions of the user that have not returned, and repeat. */
  readonly others: readonly Wait[];
  /**
   * Set when the test's own async function can never continue, since nothing refers to what it awaits: the lines
   * of its `await`.
   */
  readonly abandonedAt: readonly string[] | undefined;
  /** Pending timers that call the user's functions, as texts. */
  readonly timers: readonly string[];
  /** Time between the two looks, in milliseconds. */
  readonly betweenMs: number;
}

/** Holds the promise that the runner waits for. A heap snapshot shows this class by its name. */
class CastoffHungTest {
  readonly promise: object;
  readonly code: unknown;
  readonly key = heapKey();

  constructor({ promise, code }: RunningFunction) {
    this.promise = promise;
    this.code = code;
  }
}

const pauseMs = 200;
const maxOthers = 3;

/** The user's suspended functions at one moment. */
interface Look {
  readonly graph: HeapGraph;
  /** By the node of a suspended function, the promise that it awaits. */
  readonly awaited: ReadonlyMap<number, number>;
  /** The promise of the test. */
  readonly test: number | undefined;
  /** The function of the test, if it is an async function. */
  readonly code: { readonly node: number; readonly text: string } | undefined;
}

/**
 * Looks twice at the functions that have not returned, and resolves to where a test waits. `undefined` when
 * the test waits for no promise. Blocks for 1 to 2 s in all, because it takes two heap snapshots.
 *
 * @param isKnown - Returns whether an earlier finding has named a function beside the test.
 */
export async function findHang(
  running: RunningFunction,
  isKnown: (wait: Wait) => boolean,
): Promise<Hang | undefined> {
  const probe = new CastoffHungTest(running);
  const first = look(await takeHeapGraph(), probe);
  await delay(pauseMs);
  const second = look(await takeHeapGraph(), probe);
  if (second.test === undefined) return undefined;
  return describeLooks(first, second, isKnown);
}

function look(graph: HeapGraph, { key, code }: CastoffHungTest): Look {
  const probe = findByKey(graph, CastoffHungTest.name, key);
  const node = typeof code === 'function' ? graph.follow(probe, 'code') : undefined;
  return {
    graph,
    awaited: awaitedPromises(graph),
    test: graph.follow(probe, 'promise'),
    code: node === undefined ? undefined : { node, text: String(code) },
  };
}

async function describeLooks(
  first: Look,
  { graph, awaited, test, code }: Look,
  isKnown: (wait: Wait) => boolean,
): Promise<Hang> {
  const ofUser = [...awaited.keys()].filter((node) => {
    const closure = suspendedFunction(graph, node);
    return closure !== undefined && userLineOfFunction(graph, closure) !== undefined;
  });
  const own = ofUser.find((node) => promiseOf(graph, node) === test);
  const leadsTo = new Map(
    ofUser.map((node) => {
      const promise = promiseOf(graph, node);
      return [node, new Set(promise === undefined ? [] : functionsAwaiting(graph, promise))];
    }),
  );
  const isOf = (node: number): boolean =>
    own === undefined ? reaches(graph, node, test) : node === own || leadsTo.get(node)?.has(own) === true;
  const chain = ofUser
    .filter(isOf)
    .toSorted((a, b) => (leadsTo.get(b)?.size ?? 0) - (leadsTo.get(a)?.size ?? 0));
  const others = ofUser.filter((node) => !chain.includes(node)).slice(0, maxOthers);
  const positions = await suspendedPositions([...chain, ...others].map((node) => graph.idOf(node)));
  const promisesBefore = new Map(
    [...first.awaited].map(([node, promise]) => [first.graph.idOf(node), first.graph.idOf(promise)]),
  );
  const describe = (node: number): Omit<Wait, 'endedBy'> => {
    const id = graph.idOf(node);
    const before = promisesBefore.get(id);
    const now = awaited.get(node);
    const repeats = before !== undefined && now !== undefined && before !== graph.idOf(now);
    return { ...nameWait(graph, node, positions.get(id)), repeats };
  };
  return {
    chain: chain.map((node, index): Wait => {
      const promise = awaited.get(node);
      const isInnermost = index === 0 && promise !== undefined;
      if (!isInnermost) return describe(node);
      const waiting = new Set([node, ...(leadsTo.get(node) ?? [])]);
      return { ...describe(node), endedBy: whatEnds(graph, promise, waiting) };
    }),
    others: others.map(describe).filter((wait) => wait.repeats && !isKnown(wait)),
    timers: userTimers(graph),
    abandonedAt: own === undefined && code !== undefined ? awaitLines(graph, code) : undefined,
    betweenMs: pauseMs,
  };
}

/**
 * Describes the pending timers that call functions of the user.
 *
 * @see Node.js, lib/internal/timers.js: a pending timer is linked to the next one
 */
function userTimers(graph: HeapGraph): readonly string[] {
  const texts = new Set<string>();
  for (let node = 0; node < graph.count; node += 1) {
    if (graph.nameOf(node) !== 'Timeout' || graph.typeOf(node) !== 'object') continue;
    const next = graph.follow(node, '_idleNext');
    const callback = graph.follow(node, '_onTimeout');
    if (next === undefined || callback === undefined || graph.typeOf(next) !== 'object') continue;
    const line = graph.typeOf(callback) === 'closure' ? userLineOfFunction(graph, callback) : undefined;
    const name = graph.nameOf(callback);
    if (line !== undefined) texts.add(`timer that calls ${name === '' ? 'a function' : name} (${line})`);
  }
  return [...texts];
}

/** Returns the lines of `await` in a function, or else its own. */
function awaitLines(
  graph: HeapGraph,
  { node, text }: { readonly node: number; readonly text: string },
): readonly string[] {
  const start = graph.positionOf(node);
  const positions = start === undefined ? [] : awaitPositions(text, start);
  const lines = positions.map((position) => userLineOfFunction(graph, node, position));
  return [...new Set(lines.filter((line) => line !== undefined))];
}

/** Returns whether the test's promise waits for a function by way of `then`. */
function reaches(graph: HeapGraph, node: number, test: number | undefined): boolean {
  const promise = promiseOf(graph, node);
  return promise !== undefined && test !== undefined && leadsToPromise(graph, promise, test);
}

function leadsToPromise(graph: HeapGraph, from: number, to: number): boolean {
  const seen = new Set([from]);
  for (const node of seen) {
    if (node === to) return true;
    for (const edge of graph.edgesOf(node)) {
      const isStep =
        edge.name === 'reactions_or_result' || (edge.type === 'hidden' && isOfPromise(graph, edge.to));
      if (isStep) seen.add(edge.to);
    }
  }
  return false;
}

function isOfPromise(graph: HeapGraph, node: number): boolean {
  return /^(?:Promise|system \/ Promise)/.test(graph.nameOf(node));
}

function whatEnds(graph: HeapGraph, promise: number, waiting: ReadonlySet<number>): Wait['endedBy'] {
  const path = settlingPath(graph, promise, waiting);
  return path === undefined
    ? { nothing: true }
    : { path: describePath(graph, path) ?? holderOn(graph, path) };
}

function nameWait(
  graph: HeapGraph,
  node: number,
  position: ScriptPosition | undefined,
): Pick<Wait, 'name' | 'line' | 'isExact'> {
  const closure = suspendedFunction(graph, node) ?? node;
  const line = userLineOfFunction(graph, closure, position);
  return { name: graph.nameOf(closure), line: line ?? '', isExact: position !== undefined };
}
