import { composeProjectLabel } from '../core/labels';
import type { Engine } from '../engine/engine';
import { identityOf } from '../engine/identity';
import { listTargets, type ListedTarget } from '../engine/list-targets';
import type { RemovableKind } from '../core/kinds';

/**
 * Kinds that belong to a project. Images do not: Compose 2 labels the images that it builds, and `docker
 * compose down` keeps them as a cache for the next build.
 */
const partKinds: readonly RemovableKind[] = ['container', 'network', 'volume'];

/**
 * Lists the containers, networks and volumes of a Compose project.
 *
 * @throws EngineError when the engine cannot list them.
 */
export function listParts(engine: Engine, project: string): Promise<readonly ListedTarget[]> {
  return listTargets(engine, [`${composeProjectLabel}=${project}`], partKinds);
}

/**
 * Lists the identities of everything with the project's label, images included.
 *
 * @throws EngineError when the engine cannot list them.
 */
export async function identitiesOfProject(engine: Engine, project: string): Promise<readonly string[]> {
  const listed = await listTargets(engine, [`${composeProjectLabel}=${project}`]);
  return listed.map((target) => identityOf(target));
}
