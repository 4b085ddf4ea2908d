import type { Engine } from '../engine/engine';
import { valueOf } from '../engine/engine';
import type { Unfinished } from '../registry/unfinished';
import { removables } from '../resources/removables';

/** The engine counts a volume's creation in whole seconds, and its clock may be another one than ours. */
const clockToleranceMs = 2_000;

/**
 * Whether what the engine now knows as `id` is the thing that the note is about: names can come to stand for something else
 * that others made after the session was gone. What is not there needs no removal.
 *
 * @throws EngineError when the engine cannot say.
 */
export async function isStillOurs(engine: Engine, note: Unfinished, id: string): Promise<boolean> {
  if (note.kind === 'compose-project') return true;
  const seen = await removables[note.kind].look(engine, id);
  if (seen.meaning === 'gone') return false;
  const { identity, createdAt } = valueOf(seen);
  if (note.present?.identity !== undefined && note.present.identity !== identity) return false;
  const notedMs = Date.parse(note.present?.at ?? note.at);
  return (
    createdAt === undefined ||
    note.present === undefined ||
    Date.parse(createdAt) <= notedMs + clockToleranceMs
  );
}
