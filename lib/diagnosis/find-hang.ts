import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { isPromise } from 'node:util/types';
import { awaitPositions } from './await-positions';
import { describePath, holderOn } from './describe-path';
import type { HeapGraph, ScriptPosition } from './heap-graph';
import { findByKey, heapKey } from './heap-key';
import type { AloneWait, Hang, RunningFunction, Wait, WaitEnd } from './hang';
import { HeapObjects } from './heap-objects';
import { settlingPath } from './settling-path';
import { suspendedFunction, suspendedFunctions, type SuspendedFunction } from './suspended-functions';
import { takeHeapGraph } from './take-heap-graph';
import { userLineOfFunction } from './user-code';
import { userTimers } from './user-timers';
import {
  findCalledPackages,
  findWaiting,
  type WaitingFunction,
  type WaitingFunctions,
} from './waiting-chain';

/** Holds what the runner waits for. A heap snapshot shows this class by its name. */
class CastoffHungTest {
  readonly waitsFor: object;
  readonly code: unknown;
  readonly key = heapKey();

  constructor({ waitsFor, code }: RunningFunction) {
    this.waitsFor = waitsFor;
    this.code = code;
  }
}

const pauseMs = 200;
const maxOthers = 3;
/** Each takes some 50 ms. */
const maxPositions = 16;

/** The functions of the process that have not returned, at one moment. */
interface Look {
  readonly graph: HeapGraph;
  readonly suspended: ReadonlyMap<number, SuspendedFunction>;
  /** The promise of the test, or its callback. */
  readonly target: number | undefined;
  readonly code: number | undefined;
}

/**
 * Looks twice at the functions that have not returned, and resolves to where a test waits. Once, if all have returned:
 * then none can move. `undefined` when the test has ended meanwhile, or the heap does not show what it waits for.
 * Blocks for 0.5 to 1 s for each look, because it takes a heap snapshot.
 *
 * @param isKnown - Returns whether an earlier finding has named a function beside the test.
 */
export async function findHang(
  running: RunningFunction,
  isKnown: (wait: Wait) => boolean,
): Promise<Hang | undefined> {
  const probe = new CastoffHungTest(running);
  const first = look(await takeHeapGraph(), probe);
  const second = hasSuspended(first) ? await lookAgain(probe) : first;
  const { target } = second;
  if (target === undefined || (await hasSettled(running.waitsFor))) return undefined;
  using objects = new HeapObjects();
  const waiting = findWaiting(second.graph, second.suspended, target);
  const hang = await describeWaits(first, second, waiting, objects);
  const isDone = second.graph.typeOf(target) === 'closure';
  const hasChain = running.isAsync ? waiting.own !== undefined : hang.chain.length > 0;
  return {
    ...hang,
    others: hang.others.filter((wait) => wait.loop !== undefined && !isKnown(wait)),
    alone: hasChain && !isDone ? undefined : await describeAlone(second, target, running.isAsync, objects),
    timers: userTimers(second.graph),
    betweenMs: pauseMs,
  };
}

async function lookAgain(probe: CastoffHungTest): Promise<Look> {
  await delay(pauseMs);
  return look(await takeHeapGraph(), probe);
}

function hasSuspended({ graph, suspended, target }: Look): boolean {
  if (target === undefined) return false;
  const { chain, others } = findWaiting(graph, suspended, target);
  return chain.length + others.length > 0;
}

/** Whether it is a promise that has settled meanwhile: the test took longer than its limit, and does not hang. */
async function hasSettled(waitsFor: object): Promise<boolean> {
  if (!isPromise(waitsFor)) return false;
  const pending = {};
  const [first] = await Promise.allSettled([Promise.race([waitsFor, nextTurn(pending)])]);
  return first.status === 'rejected' || first.value !== pending;
}

function look(graph: HeapGraph, { key }: CastoffHungTest): Look {
  const probe = findByKey(graph, CastoffHungTest.name, key);
  return {
    graph,
    suspended: suspendedFunctions(graph),
    target: graph.follow(probe, 'waitsFor'),
    code: userCode(graph, graph.follow(probe, 'code')),
  };
}

/** Returns the user's function in a wrapper around it, as that of `test.each`. */
function userCode(graph: HeapGraph, code: number | undefined): number | undefined {
  const isOfUser = (node: number): boolean =>
    graph.typeOf(node) === 'closure' && userLineOfFunction(graph, node) !== undefined;
  if (code === undefined || isOfUser(code)) return code;
  const context = graph.follow(code, 'context');
  const variables = context === undefined ? [] : graph.edgesOf(context);
  return variables.find(({ type, to }) => type === 'context' && isOfUser(to))?.to;
}

async function describeWaits(
  first: Look,
  { graph, suspended }: Look,
  { chain, others }: WaitingFunctions,
  objects: HeapObjects,
): Promise<Pick<Hang, 'chain' | 'others' | 'isUnmoved'>> {
  const beside = others.slice(0, maxOthers);
  const positions = new Map<number, ScriptPosition | undefined>();
  for (const { node } of [...chain, ...beside].slice(0, maxPositions))
    positions.set(node, await objects.suspendedAt(graph.idOf(node)));
  const before = new Map(
    [...first.suspended].map(([node, { awaits }]) => [first.graph.idOf(node), first.graph.idOf(awaits)]),
  );
  const hasMoved = (node: number): boolean => {
    const promise = before.get(graph.idOf(node));
    const now = suspended.get(node);
    return promise !== undefined && now !== undefined && promise !== graph.idOf(now.awaits);
  };
  const describe = (one: WaitingFunction): Wait => {
    const { node } = one;
    const looping = [node, ...findCalledPackages(graph, suspended, one)].find(hasMoved);
    const loop = looping === undefined ? undefined : functionName(graph, looping);
    return { ...nameWait(graph, node, positions.get(node)), loop };
  };
  const waits = chain.map((one): Wait => {
    const isCaller = chain.some(({ callers }) => callers.has(one.node));
    if (isCaller) return nameWait(graph, one.node, positions.get(one.node));
    return { ...describe(one), endedBy: whatEnds(graph, one.awaits, new Set([one.node, ...one.callers])) };
  });
  return {
    chain: waits,
    others: beside.map(describe),
    isUnmoved:
      chain.length > 0 &&
      chain.every(({ node }) => before.has(graph.idOf(node))) &&
      waits.every(({ loop }) => loop === undefined),
  };
}

async function describeAlone(
  { graph, code }: Look,
  target: number,
  isAsync: boolean,
  objects: HeapObjects,
): Promise<AloneWait> {
  const waitsFor = graph.typeOf(target) === 'closure' ? 'done' : 'promise';
  const isProven = isAsync && waitsFor === 'promise';
  return {
    waitsFor,
    line: code === undefined ? undefined : userLineOfFunction(graph, code),
    awaitLines: code === undefined ? [] : await awaitLines(graph, code, objects),
    endedBy: isProven ? { nothing: true } : whatEnds(graph, target, new Set()),
  };
}

/** Resolves to the lines of `await` in a function. */
async function awaitLines(graph: HeapGraph, code: number, objects: HeapObjects): Promise<readonly string[]> {
  const start = graph.positionOf(code);
  const source = await objects.sourceOf(graph.idOf(code));
  const positions = start === undefined || source === undefined ? [] : awaitPositions(source, start);
  const lines = positions.map((position) => userLineOfFunction(graph, code, position));
  return [...new Set(lines.filter((line) => line !== undefined))];
}

function whatEnds(graph: HeapGraph, target: number, waiting: ReadonlySet<number>): WaitEnd {
  // The test context and the probe of a finding hold the callback of a test.
  const path = settlingPath(graph, target, { waiting, isOwn: ({ name }) => name === 'waitsFor' });
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

function functionName(graph: HeapGraph, node: number): string {
  return graph.nameOf(suspendedFunction(graph, node) ?? node);
}
