import type { Bounds } from '../core/bounds';
import { isCastoffError, messageOf } from '../core/errors';
import { composeProjectLabel, isReaper, labelNames } from '../core/labels';
import { connectEngine } from '../engine/connect';
import type { Engine } from '../engine/engine';
import type { ListedTarget } from '../engine/list-targets';
import type { EntryUpdate, RegistryEntry } from '../registry/entry';
import { cleanupByLabel } from '../resources/cleanup-by-label';
import { CleanupError } from '../resources/cleanup-error';
import { cleanupResource } from '../resources/cleanup-resource';
import type { RecordedResource } from '../resources/ownership';
import { cleanupMany } from '../resources/plan';
import type { RemovalRules } from '../resources/removal-rules';
import type { KeptKeys } from './kept-keys';
import { isEntryPresent, listLeftovers } from './find-entry';

/** What is to go together: what carries `labels`, and what `entries` are about, also where that carries none of ours. */
export interface Leftovers {
  readonly labels: readonly string[];
  readonly bounds?: Bounds | undefined;
  readonly entries: readonly RegistryEntry[];
  readonly kept: KeptKeys;
  /** The resources of the whole session whose ids their creators have recorded. */
  readonly recorded: readonly RecordedResource[];
}

export interface LeftoversResult {
  /** What became of each entry, by its key. */
  readonly updates: ReadonlyMap<string, EntryUpdate>;
  readonly errors: readonly unknown[];
}

const timeoutMs = 30_000;

/** Whether what carries these labels is to stay: reapers do, and what is kept. */
export function isSparedAs(kept: KeptKeys): (labels: Readonly<Record<string, string>>) => boolean {
  return (labels) =>
    isReaper(labels) ||
    kept.has(labels[labelNames.start] ?? '') ||
    kept.has(`${composeProjectLabel}=${labels[composeProjectLabel] ?? ''}`);
}

/**
 * Removes what an ended process left, and verifies that it is gone. Never rejects: failures are in the result.
 *
 * @param signal - Ends the waiting; what it leaves open is not said to be gone.
 */
export async function cleanupLeftovers(
  engine: Engine,
  rest: Leftovers,
  signal: AbortSignal,
): Promise<LeftoversResult> {
  const isSpared = isSparedAs(rest.kept);
  const errors: unknown[] = [];
  // Before they go: some were created, and nobody lived to hear of it.
  const [listing] = await Promise.allSettled([listLeftovers(engine, rest.labels, rest.recorded, signal)]);
  const byLabel = await attempt(errors, () => {
    signal.throwIfAborted();
    const { bounds, recorded } = rest;
    return cleanupByLabel(engine, rest.labels, { timeoutMs, bounds, isSpared, recorded, signal });
  });
  errors.push(...(byLabel?.errors ?? []));
  const own = rest.entries.map((entry) => {
    const found = listing.status === 'fulfilled' ? findListed(listing.value, entry) : undefined;
    const known = { ...entry, id: entry.id ?? found?.id, name: entry.name ?? found?.name };
    return { kind: entry.kind, id: known.id ?? '', known, ids: [known.id, entry.identity, found?.id] };
  });
  const ends = await cleanupMany(own, async ({ kind, known, ids }): Promise<EntryUpdate> => {
    const removed = byLabel?.results.find((result) => kind === result.kind && ids.includes(result.id));
    if (removed !== undefined) return goneAs(known, removed.outcome);
    const failed = errors.find(
      (error) =>
        error instanceof CleanupError && kind === error.evidence.kind && ids.includes(error.evidence.id),
    );
    if (failed !== undefined) return leftAs(known, messageOf(failed));
    if (known.id === undefined && kind !== 'compose-project')
      return listing.status === 'fulfilled'
        ? neverCreated
        : unknownAs(known, reasonOf(listing.reason, signal));
    return removeEntry(engine, known, errors, signal);
  });
  // Nothing above throws: what did would be a fault of ours, and says nothing of the thing.
  const updates = ends.map(({ target, result, error }) => {
    return [target.known.key, result ?? unknownAs(target.known, messageOf(error))] as const;
  });
  return { updates: new Map(updates), errors };
}

function findListed(listed: readonly ListedTarget[], { kind, key }: RegistryEntry): ListedTarget | undefined {
  return listed.find((target) => target.kind === kind && target.labels[labelNames.start] === key);
}

/**
 * Removes what one entry is about, and tells what became of it; `errors` gets a failure, too. What was adopted carries no label of ours,
 * and what Compose makes carries its project's.
 */
export async function removeEntry(
  engine: Engine,
  entry: RegistryEntry,
  errors: unknown[],
  signal: AbortSignal,
): Promise<EntryUpdate> {
  const { kind, bounds } = entry;
  const id = kind === 'compose-project' ? (entry.id ?? entry.name) : entry.id;
  if (id === undefined) return unknownAs(entry, 'no answer said under which id it was created, if it was');
  try {
    signal.throwIfAborted();
    const there = entry.engine === undefined ? engine : await connectEngine(entry.engine);
    if (kind !== 'compose-project' && !(await isEntryPresent(there.within({ timeoutMs, signal }), entry, id)))
      return goneAs(entry, 'removed-elsewhere');
    const { outcome } = await cleanupResource(
      { kind, id, bounds },
      { engine: there.address, timeoutMs, signal, identity: entry.identity, matchesTarget: isMadeFor(entry) },
    );
    return goneAs(entry, outcome);
  } catch (error) {
    errors.push(signal.aborted ? signal.reason : error);
    return leftAs(entry, reasonOf(error, signal));
  }
}

/** A volume of raw code is recognised by its label: another one may have its name. */
function isMadeFor({ kind, origin, key, identity }: RegistryEntry): RemovalRules['matchesTarget'] {
  return kind === 'volume' && origin === 'raw' && identity === undefined
    ? (labels) => labels[labelNames.start] === key
    : undefined;
}

async function attempt<T>(errors: unknown[], work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    // A list of failures that could not be ended well: each of them is told.
    errors.push(...(isCastoffError(error) && error.errors !== undefined ? error.errors : [error]));
    return undefined;
  }
}

const neverCreated: EntryUpdate = { state: 'gone', outcome: 'never-created' };

function goneAs({ id, name, state, origin }: RegistryEntry, outcome: string): EntryUpdate {
  // The engine did not say so when its owner had ended: that there was something to remove shows it.
  const hasLeaked = state === 'unknown' && origin === 'raw' && outcome === 'removed';
  return { id, name, state: 'gone', outcome, ...(hasLeaked && { leakedAt: new Date() }) };
}

function leftAs({ id, name }: RegistryEntry, failure: string): EntryUpdate {
  return { id, name, state: 'left', failure };
}

function unknownAs({ id, name }: RegistryEntry, failure: string): EntryUpdate {
  return { id, name, state: 'unknown', failure };
}

/** What ended the waiting says more than the call that it ended. */
function reasonOf(error: unknown, signal: AbortSignal): string {
  return messageOf(signal.aborted ? signal.reason : error);
}
