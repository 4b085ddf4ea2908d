import { composeProjectLabel } from '../core/labels';
import type { Engine } from '../engine/engine';
import { identityOf } from '../engine/identity';
import { listTargets, type ListedTarget } from '../engine/list-targets';
import type { RemovableKind } from '../engine/removable-kind';

/**
 * What a project is made of. Its images are images: Compose 2 labels what it builds, and `docker compose down` leaves that as a cache for
 * the next build.
 */
const partKinds: readonly RemovableKind[] = ['container', 'network', 'volume'];

/** The containers, networks and volumes of a Compose project. */
export function listParts(engine: Engine, project: string): Promise<readonly ListedTarget[]> {
  return listTargets(engine, [`${composeProjectLabel}=${project}`], partKinds);
}

/** The identities of everything that carries the project's label, images included. */
export async function identitiesOfProject(engine: Engine, project: string): Promise<readonly string[]> {
  const listed = await listTargets(engine, [`${composeProjectLabel}=${project}`]);
  return listed.map((target) => identityOf(target));
}
