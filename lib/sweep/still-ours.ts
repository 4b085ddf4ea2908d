import { composeProjectLabel, labelNames } from '../core/labels';
import { isAnonymousName } from '../engine/anonymous-volumes';
import type { Engine } from '../engine/engine';
import { valueOf } from '../engine/engine';
import { identityOf } from '../engine/identity';
import { listTargets } from '../engine/list-targets';
import type { RegistryEntry } from '../registry/entry';
import { hasGeneratedName } from '../resources/compose-project';
import { isSameResource } from '../resources/kind';
import { removables } from '../resources/removables';

/**
 * Whether the resource that the engine now knows as `id` is the one that `entry` describes: its name may have
 * been reused after the session ended. False when it does not exist.
 *
 * @throws EngineError when the engine does not answer; CastoffError `CLEANUP_FAILED` when that cannot be
 * determined.
 */
export async function isStillOurs(engine: Engine, entry: RegistryEntry, id: string): Promise<boolean> {
  const { kind, key, origin, identity: before } = entry;
  if (kind === 'compose-project') return isSameProject(engine, entry, id);
  const seen = await removables[kind].inspect(engine, id);
  if (seen.meaning === 'gone') return false;
  const { identity: now, labels } = valueOf(seen);
  // Raw code may refer to an existing resource without creating it; what it did create has the label.
  if (origin === 'raw' && labels[labelNames.start] !== key && !isSeen(entry)) return false;
  return before === undefined || isSameResource(removables[kind], engine, id, { before, now });
}

/**
 * Whether the recorded identity is proof enough. An anonymous volume has no labels: it was recorded when its container
 * was removed without it. The identity of an image is its id, and a name that a command gave it has no labels.
 */
function isSeen({ kind, id, identity }: RegistryEntry): boolean {
  if (id === undefined || identity === undefined) return false;
  return kind === 'image' || (kind === 'volume' && isAnonymousName(id));
}

/**
 * A project's name may be the user's, and reused by the next run, so only its recorded parts count. Without
 * recorded parts, a project counts only if its name is random.
 */
async function isSameProject(engine: Engine, { bounds }: RegistryEntry, name: string): Promise<boolean> {
  const parts = await listTargets(engine, [`${composeProjectLabel}=${name}`]);
  const only = bounds?.only;
  if (only === undefined) return parts.length > 0 && hasGeneratedName(name);
  return parts.some((part) => only.includes(identityOf(part)));
}
