import { basename } from 'node:path';
import { maxBoundedIdentities, withoutCreationTime, type Bounds } from '../core/bounds';
import { composeProjectLabel, projectFolderLabel } from '../core/labels';
import type { ListedTarget } from '../engine/list-targets';

type Part = Pick<ListedTarget, 'labels' | 'createdAtMs'>;

/**
 * Returns the names of the Compose projects whose containers carry one of `folders` as their working
 * directory.
 */
export function projectsIn(
  folders: readonly string[],
  containers: readonly Part[],
  realPath: (path: string) => string,
): readonly string[] {
  const names = containers.flatMap(({ labels }) => {
    const { [composeProjectLabel]: name, [projectFolderLabel]: folder } = labels;
    if (name === undefined || folder === undefined) return [];
    return folders.includes(folder) || folders.includes(realPath(folder)) ? [name] : [];
  });
  return [...new Set(names)];
}

/**
 * Whether all parts of a project were created since then: an older part means that the project belongs to
 * someone else.
 */
export function isAllNew(parts: readonly Part[], sinceMs: number): boolean {
  return (
    parts.length > 0 &&
    parts.every(({ createdAtMs }) => createdAtMs !== undefined && isSince(createdAtMs, sinceMs))
  );
}

/**
 * Returns the bounds of what a command may create in a project that already has the parts `existing`. Returns
 * `undefined` when one of them is not `known` as ours, because the command may replace parts that belong to
 * someone else. Images built for the project do not count as parts.
 */
export function boundsOfNew(existing: readonly string[], known: ReadonlySet<string>): Bounds | undefined {
  const ours = new Set([...known].map(withoutCreationTime));
  const isOurs = existing.every(
    (identity) => identity.startsWith('image ') || ours.has(withoutCreationTime(identity)),
  );
  return isOurs && existing.length <= maxBoundedIdentities ? { except: existing } : undefined;
}

/**
 * Returns the project that a command without a project name started: the one named after the folder, or the
 * only one.
 */
export function unnamedOf(names: readonly string[], folder: string): string | undefined {
  const own = names.find((name) => isNameOfFolder(name, folder));
  return own ?? (names.length === 1 ? names[0] : undefined);
}

/**
 * Converts a time of our clock to the engine's clock, which showed `engineMs` at some moment between
 * `beforeMs` and `afterMs` of ours. If the clocks differ, returns the latest possible time.
 */
export function byClockOfEngine(
  atMs: number,
  clock: { readonly engineMs: number; readonly beforeMs: number; readonly afterMs: number },
): number {
  const { engineMs, beforeMs, afterMs } = clock;
  const isSameClock = beforeMs <= engineMs && engineMs <= afterMs;
  return isSameClock ? atMs : atMs + (engineMs - beforeMs);
}

// Engines round the creation time of containers and volumes to whole seconds.
function isSince(createdAtMs: number, sinceMs: number): boolean {
  return createdAtMs >= (createdAtMs % 1_000 === 0 ? Math.floor(sinceMs / 1_000) * 1_000 : sinceMs);
}

/** @see docker compose, "Specify a project name"; version 1 keeps leading dashes and underscores */
function isNameOfFolder(name: string, folder: string): boolean {
  const plain = basename(folder)
    .toLowerCase()
    .replaceAll(/[^\w-]/g, '');
  return name === plain || name === plain.replace(/^[-_]+/, '');
}
