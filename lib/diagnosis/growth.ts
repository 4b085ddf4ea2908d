import { setImmediate as nextTurn } from 'node:timers/promises';
import { CastoffError } from '../core/errors';
import { checkOptionNames, type OptionNames } from '../core/option-names';
import { describePath } from './describe-path';
import type { HeapGraph } from './heap-graph';
import { RetainingPaths } from './retaining-path';
import { takeHeapGraph } from './take-heap-graph';

/** Options of `growth`. */
export interface GrowthOptions {
  /** How often each of the three series calls the function. Default 10. */
  readonly rounds?: number | undefined;
}

const names: OptionNames<GrowthOptions> = { rounds: true };
const defaultRounds = 10;
const maxGroups = 3;
const maxExamples = 50;

/** Objects of one class that a series of calls has left. */
interface GrownGroup {
  readonly what: string;
  readonly perRound: number;
  readonly path: string;
}

/**
 * Calls `fn` in three series, and compares the objects that are alive after each. Resolves when no class of
 * objects has grown with every call of the last two; the first fills caches.
 *
 * @param name - For the message.
 * @param fn - What a test repeats; a promise that it returns is awaited.
 * @param options.rounds - How often each series calls it. Default 10.
 * @throws CastoffError `LEAKS_FOUND` when a class has grown by one object or more a call; the message has the
 * path of references to one of them. `CONFIG_INVALID` for an invalid option; what `fn` throws.
 */
export async function growth(name: string, fn: () => unknown, options: GrowthOptions = {}): Promise<void> {
  checkOptionNames('growth', options, names);
  const { rounds = defaultRounds } = options;
  if (!Number.isInteger(rounds) || rounds < 2)
    throw new CastoffError('CONFIG_INVALID', `growth ${name}: rounds: got ${rounds}; give 2 or more`);
  if (typeof fn !== 'function')
    throw new CastoffError('CONFIG_INVALID', `growth ${name}: got a ${typeof fn}; give a function`);
  const counts: ReadonlyMap<string, number>[] = [];
  let newestId = 0;
  for (let series = 1; series <= 2; series += 1) {
    const graph = await heapAfter(fn, rounds);
    counts.push(countObjects(graph));
    newestId = newestIdOf(graph);
  }
  const graph = await heapAfter(fn, rounds);
  counts.push(countObjects(graph));
  const grown = grownKeys(counts, rounds);
  const groups = describeGroups(graph, { grown, newestId, rounds });
  if (groups.length === 0) return;
  const lines = groups.map(({ what, perRound, path }) => `  ${perRound} × ${what}, held by ${path}`);
  throw new CastoffError('LEAKS_FOUND', `growth ${name}: each call leaves\n${lines.join('\n')}`);
}

async function heapAfter(fn: () => unknown, rounds: number): Promise<HeapGraph> {
  for (let round = 0; round < rounds; round += 1) await fn();
  // What a close releases in a callback is not left.
  await nextTurn();
  return takeHeapGraph();
}

/** Returns the class of an object, `a function` or `a string`; `undefined` for a node that users do not see. */
function keyOf(graph: HeapGraph, node: number): string | undefined {
  const type = graph.typeOf(node);
  const name = graph.nameOf(node);
  if (type === 'object') return name.startsWith('system /') || name === '' ? undefined : name;
  if (type === 'closure') return name === '' ? 'anonymous function' : `function ${name}`;
  return type.endsWith('string') ? 'string' : undefined;
}

function countObjects(graph: HeapGraph): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (let node = 0; node < graph.count; node += 1) {
    const key = keyOf(graph, node);
    if (key !== undefined) counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

function newestIdOf(graph: HeapGraph): number {
  let newest = 0;
  for (let node = 0; node < graph.count; node += 1) newest = Math.max(newest, graph.idOf(node));
  return newest;
}

/** Returns the keys that have grown by one a call or more in each series, and by how many in the last. */
function grownKeys(
  [first, second, third]: readonly ReadonlyMap<string, number>[],
  rounds: number,
): ReadonlyMap<string, number> {
  const grown = new Map<string, number>();
  for (const [key, count] of third ?? []) {
    const before = second?.get(key) ?? 0;
    const increase = count - before;
    if (increase >= rounds && before - (first?.get(key) ?? 0) >= rounds) grown.set(key, increase);
  }
  return grown;
}

interface Growth {
  readonly grown: ReadonlyMap<string, number>;
  /** The id of the newest node before the last series. */
  readonly newestId: number;
  readonly rounds: number;
}

/** Describes the groups that the user's code holds, those with the shortest path first. */
function describeGroups(graph: HeapGraph, { grown, newestId, rounds }: Growth): readonly GrownGroup[] {
  if (grown.size === 0) return [];
  const paths = new RetainingPaths(graph);
  const examples = new Map<string, { path: string; length: number; tried: number }>();
  for (let node = 0; node < graph.count; node += 1) {
    const key = graph.idOf(node) > newestId ? keyOf(graph, node) : undefined;
    if (key === undefined || !grown.has(key)) continue;
    const example = examples.get(key) ?? { path: '', length: 0, tried: 0 };
    examples.set(key, example);
    if (example.path !== '' || example.tried >= maxExamples) continue;
    example.tried += 1;
    const edges = paths.to(node) ?? [];
    Object.assign(example, { path: describePath(graph, edges) ?? '', length: edges.length });
  }
  return [...examples]
    .filter(([, { path }]) => path !== '')
    .toSorted(([, a], [, b]) => a.length - b.length)
    .slice(0, maxGroups)
    .map(([what, { path }]) => ({ what, path, perRound: Math.floor((grown.get(what) ?? 0) / rounds) }));
}
