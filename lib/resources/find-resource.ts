import { isCastoffError } from '../core/errors';
import { processWide } from '../core/global-state';
import { withTimeout } from '../core/timeout';
import { SingleFlight } from '../core/single-flight';
import type { Engine, CallLimits } from '../engine/engine';
import type { Removable, Inspection } from './kind';

/** Result of inspecting a reference; `gone`: no such resource; `unknown`: the engine is away. */
export type Found = Inspection | 'gone' | 'unknown';

/**
 * Inspects `given`, so that a name and an id of one resource share one removal. Concurrent callers share the
 * result: a caller does not find a resource gone that another caller has just started to remove.
 *
 * @throws the reason of `limits.signal` when it aborts.
 */
export async function findResource(
  engine: Engine,
  removable: Removable,
  given: string,
  limits: CallLimits,
): Promise<Found> {
  const { timeoutMs, signal } = limits;
  const inspection = inspectionsInFlight().run(`${engine.address} ${removable.kind} ${given}`, (release) => {
    const inspecting = inspectOnce(engine.within({ timeoutMs }), removable, given);
    void inspecting.finally(release);
    return inspecting;
  });
  try {
    return await withTimeout(inspection, { what: `inspect ${removable.kind} ${given}`, timeoutMs, signal });
  } catch (error) {
    if (isCastoffError(error, 'DEADLINE_EXCEEDED') && error !== signal?.reason) return 'unknown';
    throw error;
  }
}

const inspectionsInFlight = (): SingleFlight<Promise<Found>> =>
  processWide('inspections in flight', () => new SingleFlight<Promise<Found>>());

// Engine calls resolve to an answer and never reject, so this does not either.
async function inspectOnce(engine: Engine, removable: Removable, given: string): Promise<Found> {
  const answer = await removable.inspect(engine, given);
  if (answer.meaning === 'done') return answer.value.isPartialMatch ? 'gone' : answer.value;
  return answer.meaning === 'gone' ? 'gone' : 'unknown';
}
