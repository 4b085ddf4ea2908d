import { basename } from 'node:path';
import { maxBoundedIdentities, withoutCreationTime, type Bounds } from '../core/bounds';
import { composeProjectLabel, projectFolderLabel } from '../core/labels';
import type { ListedTarget } from '../engine/list-targets';

type Part = Pick<ListedTarget, 'labels' | 'createdAtMs'>;

/** The names of the projects whose containers say one of `folders`. */
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

/** Whether all of a project was created since then: what was there before is somebody's own. */
export function isAllNew(parts: readonly Part[], sinceMs: number): boolean {
  return (
    parts.length > 0 &&
    parts.every(({ createdAtMs }) => createdAtMs !== undefined && isSince(createdAtMs, sinceMs))
  );
}

/**
 * Bounds of what a command may create in a project that has the parts `there`. `undefined` where one of them is not `known` to be ours: what
 * the command replaces in it belongs to someone else. Images that were built for the project are no parts of it.
 */
export function boundsOfNew(there: readonly string[], known: ReadonlySet<string>): Bounds | undefined {
  const ours = new Set([...known].map(withoutCreationTime));
  const isOurs = there.every(
    (identity) => identity.startsWith('image ') || ours.has(withoutCreationTime(identity)),
  );
  return isOurs && there.length <= maxBoundedIdentities ? { except: there } : undefined;
}

/** The one of `names` that a command without a name has brought up: the folder's own, or there is no other. */
export function unnamedOf(names: readonly string[], folder: string): string | undefined {
  const own = names.find((name) => isNameOfFolder(name, folder));
  return own ?? (names.length === 1 ? names[0] : undefined);
}

/** When that was by the engine's clock, whose time was `engineMs` between `beforeMs` and `afterMs` of ours. */
export function byClockOfEngine(
  atMs: number,
  {
    engineMs,
    beforeMs,
    afterMs,
  }: { readonly engineMs: number; readonly beforeMs: number; readonly afterMs: number },
): number {
  const isOneClock = beforeMs <= engineMs && engineMs <= afterMs;
  return isOneClock ? atMs : atMs + (engineMs - beforeMs);
}

// Engines tell of containers and volumes in whole seconds.
function isSince(createdAtMs: number, sinceMs: number): boolean {
  return createdAtMs >= (createdAtMs % 1_000 === 0 ? Math.floor(sinceMs / 1_000) * 1_000 : sinceMs);
}

/** @see docker compose, "Specify a project name"; version 1 leaves a dash or a line at the beginning where it is */
function isNameOfFolder(name: string, folder: string): boolean {
  const plain = basename(folder)
    .toLowerCase()
    .replaceAll(/[^\w-]/g, '');
  return name === plain || name === plain.replace(/^[-_]+/, '');
}
