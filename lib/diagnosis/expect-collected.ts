import { setImmediate as nextRound, setTimeout as delay } from 'node:timers/promises';
import { checkDuration, formatDuration } from '../core/durations';
import { CastoffError, messageOf } from '../core/errors';
import { checkOptionNames, type OptionNames } from '../core/option-names';
import { garbageCollector } from './collect-garbage';
import type { HeapGraph } from './heap-graph';
import { findByKey } from './heap-key';
import { describePath } from './describe-path';
import { releaseObjects } from './release-objects';
import { RetainingPaths } from './retaining-path';
import { functionsAwaiting, variablesOf } from './suspended-functions';
import { takeHeapGraph } from './take-heap-graph';
import { CastoffTracked, findTracked, forgetTracked } from './tracked-objects';

/** Options of `expectCollected`. */
export interface CollectOptions {
  /** How long the object may take to be released, in milliseconds. Default 2 000. */
  readonly timeoutMs?: number | undefined;
}

const names: OptionNames<CollectOptions> = { timeoutMs: true };
const defaultTimeoutMs = 2_000;
/** After so many collections, only what still uses the object holds it. */
const firstRounds = 3;
const maxPauseMs = 250;

/**
 * Resolves when an object has been collected: forces collections until it is, without `--expose-gc`. A local
 * variable of a function that waits for this call does not count as a reference.
 *
 * @param nameOrRef - A name given to `track`, or a `WeakRef`.
 * @param options.timeoutMs - How long the object may take to be released, in milliseconds. Default 2 000.
 * @throws CastoffError `LEAKS_FOUND` when it is still in use at the end; the message has the shortest path of
 * references to it. `CONFIG_INVALID` for an unknown name or option.
 */
export function expectCollected(
  nameOrRef: string | WeakRef<WeakKey>,
  options: CollectOptions = {},
): Promise<void> {
  // Not an async function: the caller has to await the very promise that the object has.
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  (async () => {
    checkOptionNames('expectCollected', options, names);
    const timeoutMs = checkDuration('timeoutMs', options.timeoutMs ?? defaultTimeoutMs);
    const object = findTracked(nameOrRef);
    object.wait = promise;
    try {
      await waitUntilCollected(object, timeoutMs);
    } finally {
      forgetTracked(object);
    }
  })().then(resolve, reject);
  return promise;
}

async function waitUntilCollected(object: CastoffTracked, timeoutMs: number): Promise<void> {
  const startedAt = performance.now();
  const collect = garbageCollector();
  for (let round = 1; ; round += 1) {
    // A weak reference holds its object until the end of the current task.
    await nextRound();
    releaseObjects();
    collect();
    if (object.isCollected()) return;
    const leftMs = timeoutMs - (performance.now() - startedAt);
    if (round === firstRounds && leftMs > 0 && (await findPath(object)) === 'local') return;
    if (round >= firstRounds && leftMs <= 0) break;
    await delay(Math.min(10 * 2 ** round, maxPauseMs, Math.max(leftMs, 0)));
  }
  const elapsed = formatDuration(performance.now() - startedAt);
  const path = await findPath(object);
  if (path === 'local') return;
  throw new CastoffError(
    'LEAKS_FOUND',
    `expectCollected ${object.label}: still in use after ${elapsed}; held by ${path}`,
  );
}

/**
 * Resolves to the path to an object; `local` when nothing holds it but the local variables of the functions that
 * wait for it.
 */
async function findPath(object: CastoffTracked): Promise<string> {
  let graph: HeapGraph;
  try {
    graph = await takeHeapGraph();
  } catch (error) {
    return unknown(messageOf(error));
  }
  return pathIn(graph, object.key);
}

const unknown = (reason: string): string => `an unknown reference: read the heap: ${reason}`;

function pathIn(graph: HeapGraph, key: string): string {
  const probe = findByKey(graph, CastoffTracked.name, key);
  const target = graph.follow(graph.follow(probe, 'ref'), 'target');
  if (target === undefined) return unknown('it is not in the snapshot');
  const wait = graph.follow(probe, 'wait');
  const waiting = wait === undefined ? [] : functionsAwaiting(graph, wait);
  const locals = new Set(waiting.map((each) => variablesOf(graph, each)));
  const paths = new RetainingPaths(graph, ({ from, to }) => to === target && locals.has(from));
  const path = paths.to(target);
  if (path === undefined) return 'local';
  return describePath(graph, path) ?? `code outside of your project: ${graph.nameOf(target)}`;
}
