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
 * Whether what the engine now knows as `id` is the thing that the note is about: names can come to stand for something else
 * that others made after the session was gone. What is not there needs no removal.
 *
 * @throws EngineError when the engine does not answer; CastoffError `CLEANUP_FAILED` where it does not remember.
 */
export async function isStillOurs(engine: Engine, record: Unfinished, id: string): Promise<boolean> {
  if (record.kind === 'compose-project') return isSameProject(engine, record, id);
  const seen = await removables[record.kind].inspect(engine, id);
  if (seen.meaning === 'gone') return false;
  const { identity, labels } = valueOf(seen);
  // Raw code may name what is there already, and create nothing: what it did create says so.
  if (record.origin === 'raw' && labels[labelNames.start] !== record.key && !isSeenVolume(record))
    return false;
  const before = record.present?.identity;
  if (before === undefined) return true;
  const sameness = await compareIdentities(removables[record.kind], engine, id, { before, now: identity });
  if (sameness === 'unclear') throw unclearError(record.kind, id);
  return sameness === 'same';
}

/** An anonymous volume carries no labels: it was looked at when its container was removed without it. */
function isSeenVolume({ kind, present }: Unfinished): boolean {
  return kind === 'volume' && present?.identity !== undefined && isAnonymousName(present.id);
}

/**
 * A project's name may be the user's, and the next run's too: ours are the parts that were noted. One of which none were noted is only known
 * by a name that was drawn.
 */
async function isSameProject(engine: Engine, { present }: Unfinished, name: string): Promise<boolean> {
  const parts = await listTargets(engine, [`${composeProjectLabel}=${name}`]);
  const only = present?.only;
  if (only === undefined) return parts.length > 0 && hasGeneratedName(name);
  return parts.some((part) => only.includes(identityOf(part)));
}

/** The parts of a Compose project that a note is about. */
export function boundsOfRecord({ present }: Pick<Unfinished, 'present'>): Bounds | undefined {
  return present?.only === undefined ? undefined : { only: present.only };
}
