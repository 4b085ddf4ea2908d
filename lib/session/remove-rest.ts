import { isCastoffError, messageOf } from '../core/errors';
import { composeProjectLabel, isReaper, labelNames } from '../core/labels';
import { connectEngine } from '../engine/connect';
import type { Engine } from '../engine/engine';
import { listTargets } from '../engine/list-targets';
import type { EntryUpdate, RegistryEntry } from '../registry/entry';
import { cleanupByLabel } from '../resources/cleanup-by-label';
import { CleanupError } from '../resources/cleanup-error';
import { cleanupResource } from '../resources/cleanup-resource';
import { isStillOurs } from './still-ours';

/** What is left on purpose: the keys of entries, and of Compose projects, whose parts do not carry those, their label (`name=value`). */
export type KeptMarks = ReadonlySet<string>;

/** What is to go together: what carries `labels`, and what `entries` are about, also where that carries none of ours. */
export interface Rest {
  readonly labels: readonly string[];
  readonly entries: readonly RegistryEntry[];
  readonly kept: KeptMarks;
}

export interface RestEnd {
  /** What became of each entry, by its key. */
  readonly updates: ReadonlyMap<string, EntryUpdate>;
  readonly errors: readonly unknown[];
}

const timeoutMs = 30_000;

/** Whether what carries these labels is to stay: reapers do, and what is kept. */
export function isSparedBy(kept: KeptMarks): (labels: Readonly<Record<string, string>>) => boolean {
  return (labels) =>
    isReaper(labels) ||
    kept.has(labels[labelNames.start] ?? '') ||
    kept.has(`${composeProjectLabel}=${labels[composeProjectLabel] ?? ''}`);
}

/** Removes what somebody left who cannot do it any more, and sees that it is gone. It never rejects: failures are told. */
export async function removeRest(engine: Engine, rest: Rest): Promise<RestEnd> {
  const isSpared = isSparedBy(rest.kept);
  const errors: unknown[] = [];
  // Before they go: some were created, and nobody lived to hear of it.
  const [listing] = await Promise.allSettled([listTargets(engine, rest.labels)]);
  const listed = listing.status === 'fulfilled' ? listing.value : [];
  const byLabel = await attempt(errors, () => cleanupByLabel(engine, rest.labels, { timeoutMs, isSpared }));
  errors.push(...(byLabel?.errors ?? []));
  const updates = new Map<string, EntryUpdate>();
  for (const entry of rest.entries) {
    const found = listed.find(
      ({ kind, labels }) => kind === entry.kind && labels[labelNames.start] === entry.key,
    );
    const known = { ...entry, id: entry.id ?? found?.id, name: entry.name ?? found?.name };
    const removed = byLabel?.results.find(({ kind, id }) => kind === known.kind && id === known.id);
    const failed = errors.find((error) => isAbout(error, known));
    if (removed !== undefined) updates.set(entry.key, goneAs(known, removed.outcome));
    else if (failed !== undefined) updates.set(entry.key, leftAs(known, failed));
    else updates.set(entry.key, await removeEntry(engine, known, errors));
  }
  return { updates, errors };
}

/**
 * Removes what one entry is about, and tells what became of it; `errors` gets a failure, too. What was adopted carries no label of ours,
 * and what Compose makes carries its project's.
 */
export async function removeEntry(
  engine: Engine,
  entry: RegistryEntry,
  errors: unknown[],
): Promise<EntryUpdate> {
  const { kind, key, owner, origin, since } = entry;
  const id = kind === 'compose-project' ? (entry.id ?? entry.name) : entry.id;
  if (id === undefined) return { state: 'gone', outcome: 'never-created' };
  try {
    const there = entry.engine === undefined ? engine : await connectEngine(entry.engine);
    const at = since.toISOString();
    const note = { fact: 'registered', key, kind, owner, origin, at } as const;
    const present = { fact: 'present', key, id, identity: entry.identity, at } as const;
    if (kind !== 'compose-project' && !(await isStillOurs(there, { ...note, present }, id)))
      return goneAs(entry, 'removed-elsewhere');
    const { outcome } = await cleanupResource({ kind, id }, { engine: there.address, timeoutMs });
    return goneAs(entry, outcome);
  } catch (error) {
    errors.push(error);
    return leftAs(entry, error);
  }
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

function isAbout(error: unknown, { kind, id }: RegistryEntry): boolean {
  return error instanceof CleanupError && error.evidence.kind === kind && error.evidence.id === id;
}

function goneAs({ id, name }: RegistryEntry, outcome: string): EntryUpdate {
  return { id, name, state: 'gone', outcome };
}

function leftAs({ id, name }: RegistryEntry, error: unknown): EntryUpdate {
  return { id, name, state: 'left', failure: messageOf(error) };
}
