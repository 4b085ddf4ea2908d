import { isWithin, maxBoundedIdentities, withoutCreationTime, type Bounds } from '../core/bounds';
import type { Engine } from '../engine/engine';
import { hasStableCreatedAt } from '../engine/volume-history';
import { identitiesOfProject } from '../resources/project-parts';
import type { StartPlan } from './start-plan';

/** Resolves to all parts of a Compose project that do not exist yet; `undefined` for other kinds. */
export async function boundsBefore(
  engine: Engine,
  { kind, name }: Pick<StartPlan, 'kind' | 'name'>,
): Promise<Bounds | undefined> {
  if (kind !== 'compose-project' || name === undefined) return undefined;
  const existing = await identitiesOfProject(engine, name);
  // Docker before 23.0 changes the creation time of a volume on every write to it.
  return { except: (await hasStableCreatedAt(engine)) ? existing : existing.map(withoutCreationTime) };
}

/** Resolves to the parts that a finished start created; to `bounds` if too many for a reaper to accept. */
export async function boundsAfter(engine: Engine, project: string, bounds: Bounds): Promise<Bounds> {
  const created = (await identitiesOfProject(engine, project)).filter((part) => isWithin(part, bounds));
  return created.length > maxBoundedIdentities ? bounds : { only: created };
}
