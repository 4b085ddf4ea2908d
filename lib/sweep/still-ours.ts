import type { Bounds } from '../core/bounds';
import { composeProjectLabel, labelNames } from '../core/labels';
import { isAnonymousName } from '../engine/anonymous-volumes';
import type { Engine } from '../engine/engine';
import { valueOf } from '../engine/engine';
import { identityOf } from '../engine/identity';
import { listTargets } from '../engine/list-targets';
import type { Unfinished } from '../registry/unfinished';
import { hasGeneratedName } from '../resources/compose-project';
import { unclearError } from '../resources/cleanup-error';
import { compareIdentities } from '../resources/kind';
import { removables } from '../resources/removables';

/**
 * Whether the resource that the engine now knows as `id` is the one that `record` describes: its name may
 * have been reused after the session ended. False when it does not exist.
 *
 * @throws EngineError when the engine does not answer; CastoffError `CLEANUP_FAILED` when that cannot be
 * determined.
 */
export async function isStillOurs(engine: Engine, record: Unfinished, id: string): Promise<boolean> {
  if (record.kind === 'compose-project') return isSameProject(engine, record, id);
  const seen = await removables[record.kind].inspect(engine, id);
  if (seen.meaning === 'gone') return false;
  const { identity, labels } = valueOf(seen);
  // Raw code may refer to an existing resource without creating it; what it did create has the label.
  if (record.origin === 'raw' && labels[labelNames.start] !== record.key && !isSeenVolume(record))
    return false;
  const before = record.present?.identity;
  if (before === undefined) return true;
  const sameness = await compareIdentities(removables[record.kind], engine, id, { before, now: identity });
  if (sameness === 'unclear') throw unclearError(record.kind, id);
  return sameness === 'same';
}

/** Anonymous volumes have no labels: it was recorded when its container was removed without it. */
function isSeenVolume({ kind, present }: Unfinished): boolean {
  return kind === 'volume' && present?.identity !== undefined && isAnonymousName(present.id);
}

/**
 * A project's name may be the user's, and reused by the next run, so only its recorded parts count. Without
 * recorded parts, a project counts only if its name is random.
 */
async function isSameProject(engine: Engine, { present }: Unfinished, name: string): Promise<boolean> {
  const parts = await listTargets(engine, [`${composeProjectLabel}=${name}`]);
  const only = present?.only;
  if (only === undefined) return parts.length > 0 && hasGeneratedName(name);
  return parts.some((part) => only.includes(identityOf(part)));
}

/** Returns the bounds of the Compose project that a record describes. */
export function boundsOfRecord({ present }: Pick<Unfinished, 'present'>): Bounds | undefined {
  return present?.only === undefined ? undefined : { only: present.only };
}
