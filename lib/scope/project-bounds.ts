import { isWithin, mostBounded, type Bounds } from '../core/bounds';
import type { Engine } from '../engine/engine';
import { identitiesOfProject } from '../resources/project-parts';
import type { StartPlan } from './startable';

/** What a start of a Compose project may bring: whatever is not there yet. `undefined`: it is no start of one. */
export async function boundsBefore(
  engine: Engine,
  { kind, name }: Pick<StartPlan, 'kind' | 'name'>,
): Promise<Bounds | undefined> {
  if (kind !== 'compose-project' || name === undefined) return undefined;
  return { except: await identitiesOfProject(engine, name) };
}

/** What the start has brought, now that it has ended; the same bounds where that is more than a reaper takes. */
export async function boundsAfter(engine: Engine, project: string, bounds: Bounds): Promise<Bounds> {
  const created = (await identitiesOfProject(engine, project)).filter((one) => isWithin(one, bounds));
  return created.length > mostBounded ? bounds : { only: created };
}
