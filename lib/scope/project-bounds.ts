import { isWithin, maxBoundedIdentities, withoutCreationTime, type Bounds } from '../core/bounds';
import type { Engine } from '../engine/engine';
import { hasStableCreatedAt } from '../engine/volume-history';
import { identitiesOfProject } from '../resources/project-parts';
import type { StartPlan } from './startable';

/** Bounds of the parts that a start of a Compose project may create: all that do not exist yet. `undefined` for other starts. */
export async function boundsBefore(
  engine: Engine,
  { kind, name }: Pick<StartPlan, 'kind' | 'name'>,
): Promise<Bounds | undefined> {
  if (kind !== 'compose-project' || name === undefined) return undefined;
  const there = await identitiesOfProject(engine, name);
  // Docker before 23.0 would say another time as soon as one of its volumes is written to.
  return { except: (await hasStableCreatedAt(engine)) ? there : there.map(withoutCreationTime) };
}

/** What the start has brought, now that it has ended; the same bounds where that is more than a reaper takes. */
export async function boundsAfter(engine: Engine, project: string, bounds: Bounds): Promise<Bounds> {
  const created = (await identitiesOfProject(engine, project)).filter((one) => isWithin(one, bounds));
  return created.length > maxBoundedIdentities ? bounds : { only: created };
}
