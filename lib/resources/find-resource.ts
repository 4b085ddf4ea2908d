import { isCastoffError } from '../core/errors';
import { processWide } from '../core/global-state';
import { withTimeout } from '../core/timeout';
import { SingleFlight } from '../core/single-flight';
import type { Engine, CallLimits } from '../engine/engine';
import type { Removable, Inspection } from './kind';

/** What the engine knows a thing as; `gone`: nothing is meant by that name; `unknown`: the engine cannot be asked now. */
export type Found = Inspection | 'gone' | 'unknown';

/**
 * What the engine knows `given` as, so that a name and an id of one thing share one removal. Whoever asks for the same at
 * once hears the same: none of them finds gone what the other has begun to remove.
 */
export async function findResource(
  engine: Engine,
  removable: Removable,
  given: string,
  patience: CallLimits,
): Promise<Found> {
  const { timeoutMs, signal } = patience;
  const looking = inspectionsInFlight().run(`${engine.address} ${removable.kind} ${given}`, (release) => {
    const look = inspectOnce(engine.within({ timeoutMs }), removable, given);
    void look.finally(release);
    return look;
  });
  try {
    return await withTimeout(looking, { what: `look for ${removable.kind} ${given}`, timeoutMs, signal });
  } catch (error) {
    if (isCastoffError(error, 'DEADLINE_EXCEEDED') && error !== signal?.reason) return 'unknown';
    throw error;
  }
}

const inspectionsInFlight = (): SingleFlight<Promise<Found>> =>
  processWide('looks in flight', () => new SingleFlight<Promise<Found>>());

// An answer never rejects, and so does this not.
async function inspectOnce(engine: Engine, removable: Removable, given: string): Promise<Found> {
  const seen = await removable.inspect(engine, given);
  if (seen.meaning === 'done') return seen.value.isPartialMatch ? 'gone' : seen.value;
  return seen.meaning === 'gone' ? 'gone' : 'unknown';
}
