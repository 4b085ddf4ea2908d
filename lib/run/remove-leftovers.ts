import type { Bounds } from '../core/bounds';
import { definedOnly } from '../core/defined-only';
import { isCastoffError, messageOf } from '../core/errors';
import { composeProjectLabel, isReaper, labelNames, type Labels } from '../core/labels';
import { timeouts } from '../core/timeouts';
import { connectEngine } from '../engine/connect';
import type { Engine } from '../engine/engine';
import type { ListedTarget } from '../engine/list-targets';
import type { EntryUpdate, RegistryEntry } from '../registry/entry';
import { cleanupAll } from '../resources/cleanup-all';
import { cleanupByLabel, type LabelCleanup } from '../resources/cleanup-by-label';
import { cleanupResource } from '../resources/compose-project';
import type { RecordedResource } from '../resources/ownership';
import type { RemovalRules } from '../resources/removal-rules';
import type { KeptKeys } from './kept-keys';
import { isEntryPresent } from './find-entry';

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

interface LeftoversResult {
  /** The new state of each entry, by key. */
  readonly updates: ReadonlyMap<string, EntryUpdate>;
  readonly errors: readonly unknown[];
  /** The resources with the labels, all to be kept; `undefined` if there was anything else. */
  readonly untouched?: readonly ListedTarget[] | undefined;
}

/** Returns a predicate for the labels of resources that must stay: reapers, and kept resources. */
export function isSparedAs(kept: KeptKeys): (labels: Labels) => boolean {
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
  const { labels, bounds, kept, recorded, entries } = leftovers;
  const isSpared = isSparedAs(kept);
  const [byLabel] = await Promise.allSettled([
    cleanupByLabel(engine, labels, { timeoutMs: timeouts.cleanupMs, bounds, isSpared, recorded, signal }),
  ]);
  const isListed = byLabel.status === 'fulfilled';
  const errors = isListed ? [...byLabel.value.errors] : eachError(byLabel.reason);
  const items = isListed ? byLabel.value.items : [];
  const updates = new Map<string, EntryUpdate>();
  const unlabelled: RegistryEntry[] = [];
  for (const entry of entries) {
    const item = items.find((one) => isOf(entry, one));
    if (item !== undefined) {
      // The creator may have died before it got a reply with the id.
      const { id, name } = { ...item.target, ...definedOnly(entry) };
      updates.set(entry.key, updateAfter({ ...entry, id, name }, item));
    } else if (entry.id !== undefined || entry.kind === 'compose-project') unlabelled.push(entry);
    else updates.set(entry.key, isListed ? neverCreated : unknownAs(entry, reasonOf(byLabel.reason, signal)));
  }
  for (const [key, update] of await removeEntries(engine, unlabelled, signal, errors))
    updates.set(key, update);
  const isUntouched = isListed && entries.length + items.length === 0;
  return { updates, errors, untouched: isUntouched ? byLabel.value.listed : undefined };
}

type LabelItem = LabelCleanup['items'][number];

function isOf({ kind, key, id, identity }: RegistryEntry, { target, progress }: LabelItem): boolean {
  if (target.kind !== kind || progress === 'unclear') return false;
  return target.labels[labelNames.start] === key || target.id === id || target.id === identity;
}

function updateAfter(entry: RegistryEntry, { result, error }: LabelItem): EntryUpdate {
  return result === undefined ? leftAs(entry, messageOf(error)) : goneAs(entry, result.outcome);
}

/**
 * Removes the resources of `entries` by their ids: adopted resources carry no label of ours, and Compose's
 * carry only their project's. Never rejects.
 *
 * Resolves to the new state of each entry, by key.
 *
 * @param errors - Receives the failures.
 */
export async function removeEntries(
  engine: Engine,
  entries: readonly RegistryEntry[],
  signal: AbortSignal,
  errors: unknown[] = [],
): Promise<ReadonlyMap<string, EntryUpdate>> {
  const targets = entries.map((entry) => ({ kind: entry.kind, id: entry.id ?? '', entry }));
  const { items } = await cleanupAll(targets, ({ entry }) => removeEntry(engine, entry, errors, signal));
  // An error here would be a bug of ours: the state of the resource is unknown then.
  const updates = items.map(({ target: { entry }, result, error }) => {
    return [entry.key, result ?? unknownAs(entry, messageOf(error))] as const;
  });
  return new Map(updates);
}

async function removeEntry(
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
      own,
      { kind, id, bounds },
      { timeoutMs: timeouts.cleanupMs, signal, identity: entry.identity, matchesTarget: isMadeFor(entry) },
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

function eachError(error: unknown): unknown[] {
  return isCastoffError(error) && error.errors !== undefined ? [...error.errors] : [error];
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
