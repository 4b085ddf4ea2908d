import type { Bounds } from '../core/bounds';
import { isCastoffError, messageOf } from '../core/errors';
import { composeProjectLabel, isReaper, labelNames } from '../core/labels';
import { timeouts } from '../core/timeouts';
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

/**
 * Resources to remove together: those that carry `labels`, and those of `entries`, even without our labels.
 */
export interface Leftovers {
  readonly labels: readonly string[];
  readonly bounds?: Bounds | undefined;
  readonly entries: readonly RegistryEntry[];
  readonly kept: KeptKeys;
  /** The resources of the whole session whose ids their creators have recorded. */
  readonly recorded: readonly RecordedResource[];
}

/** The result of {@link cleanupLeftovers}. */
export interface LeftoversResult {
  /** The new state of each entry, by key. */
  readonly updates: ReadonlyMap<string, EntryUpdate>;
  readonly errors: readonly unknown[];
}

/** Returns a predicate for the labels of resources that must stay: reapers, and kept resources. */
export function isSparedAs(kept: KeptKeys): (labels: Readonly<Record<string, string>>) => boolean {
  return (labels) =>
    isReaper(labels) ||
    kept.has(labels[labelNames.start] ?? '') ||
    kept.has(`${composeProjectLabel}=${labels[composeProjectLabel] ?? ''}`);
}

/**
 * Removes the resources that an ended process left, and verifies their removal. Never rejects: the result has
 * the failures.
 *
 * @param signal - Stops the cleanup; unverified resources are then not reported as gone.
 */
export async function cleanupLeftovers(
  engine: Engine,
  leftovers: Leftovers,
  signal: AbortSignal,
): Promise<LeftoversResult> {
  const { labels, bounds, kept, recorded } = leftovers;
  const isSpared = isSparedAs(kept);
  const errors: unknown[] = [];
  // Lists them first, to find the ids of resources whose creator died before it got a reply.
  const [listing] = await Promise.allSettled([listLeftovers(engine, labels, recorded, signal)]);
  const byLabel = await attempt(errors, () => {
    signal.throwIfAborted();
    return cleanupByLabel(engine, labels, {
      timeoutMs: timeouts.cleanupMs,
      bounds,
      isSpared,
      recorded,
      signal,
    });
  });
  errors.push(...(byLabel?.errors ?? []));
  const own = leftovers.entries.map((entry) => {
    const found = listing.status === 'fulfilled' ? findListed(listing.value, entry) : undefined;
    const known = { ...entry, id: entry.id ?? found?.id, name: entry.name ?? found?.name };
    return { kind: entry.kind, id: known.id ?? '', known, ids: [known.id, entry.identity, found?.id] };
  });
  const results = await cleanupMany(own, async ({ kind, known, ids }): Promise<EntryUpdate> => {
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
  // An error here would be a bug of ours: the state of the resource is unknown then.
  const updates = results.map(({ target, result, error }) => {
    return [target.known.key, result ?? unknownAs(target.known, messageOf(error))] as const;
  });
  return { updates: new Map(updates), errors };
}

function findListed(listed: readonly ListedTarget[], { kind, key }: RegistryEntry): ListedTarget | undefined {
  return listed.find((target) => target.kind === kind && target.labels[labelNames.start] === key);
}

/**
 * Removes the resource of an entry by its id: adopted resources carry no label of ours, and Compose's carry
 * only their project's.
 *
 * Resolves to the new state of the entry. Never rejects.
 *
 * @param errors - Receives the failure, if any.
 */
export async function removeEntry(
  engine: Engine,
  entry: RegistryEntry,
  errors: unknown[],
  signal: AbortSignal,
): Promise<EntryUpdate> {
  const { kind, bounds } = entry;
  const id = kind === 'compose-project' ? (entry.id ?? entry.name) : entry.id;
  if (id === undefined) return unknownAs(entry, 'its creation was not answered, so its id is unknown');
  try {
    signal.throwIfAborted();
    const own = entry.engine === undefined ? engine : await connectEngine(entry.engine);
    if (
      kind !== 'compose-project' &&
      !(await isEntryPresent(own.within({ timeoutMs: timeouts.requestMs, signal }), entry, id))
    )
      return goneAs(entry, 'removed-elsewhere');
    const { outcome } = await cleanupResource(
      { kind, id, bounds },
      {
        engine: own.address,
        timeoutMs: timeouts.cleanupMs,
        signal,
        identity: entry.identity,
        matchesTarget: isMadeFor(entry),
      },
    );
    return goneAs(entry, outcome);
  } catch (error) {
    errors.push(signal.aborted ? signal.reason : error);
    return leftAs(entry, reasonOf(error, signal));
  }
}

/** Identifies a raw volume by its label: another volume may have the same name by now. */
function isMadeFor({ kind, origin, key, identity }: RegistryEntry): RemovalRules['matchesTarget'] {
  return kind === 'volume' && origin === 'raw' && identity === undefined
    ? (labels) => labels[labelNames.start] === key
    : undefined;
}

async function attempt<T>(errors: unknown[], work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    // Reports each error of an aggregate on its own.
    errors.push(...(isCastoffError(error) && error.errors !== undefined ? error.errors : [error]));
    return undefined;
  }
}

const neverCreated: EntryUpdate = { state: 'gone', outcome: 'never-created' };

function goneAs({ id, name, state, origin }: RegistryEntry, outcome: string): EntryUpdate {
  // Its state was unknown when its owner ended. That it could be removed proves the leak.
  const hasLeaked = state === 'unknown' && origin === 'raw' && outcome === 'removed';
  return { id, name, state: 'gone', outcome, ...(hasLeaked && { leakedAt: new Date() }) };
}

function leftAs({ id, name }: RegistryEntry, failure: string): EntryUpdate {
  return { id, name, state: 'left', failure };
}

function unknownAs({ id, name }: RegistryEntry, failure: string): EntryUpdate {
  return { id, name, state: 'unknown', failure };
}

/** Prefers the reason of an abort to the error of the call that it aborted. */
function reasonOf(error: unknown, signal: AbortSignal): string {
  return messageOf(signal.aborted ? signal.reason : error);
}
