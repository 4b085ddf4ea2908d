import { creationLabels, labelNames, type Labels } from '../core/labels';
import { randomHex } from '../core/random-hex';
import { valueOf, type Engine } from '../engine/engine';
import { listTargets, type ListedTarget } from '../engine/list-targets';
import type { EngineResource } from '../engine/identity';
import { createVolume } from '../engine/volume-calls';

interface Adoption {
  readonly session: string;
  /** As {@link adoptionKey} returns it. */
  readonly key: string;
}

/** Returns the key of an adopted resource, such as `volume:data`. */
export function adoptionKey({ kind, id }: EngineResource): string {
  return `${kind}:${id}`;
}

/**
 * Returns the key of the resource that a marker refers to, or `undefined` when `labels` are not a marker's.
 */
export function markedKey(labels: Labels): string | undefined {
  return labels[labelNames.adopts];
}

/**
 * Creates the marker of an adoption: an empty volume with the adopting session's labels, removed together
 * with that session. Journals are visible only to one user's processes; a marker is visible to every client
 * of the engine.
 *
 * Resolves to the marker's name.
 *
 * @throws EngineError when the engine does not create it.
 */
export async function createMarker(
  engine: Engine,
  adopted: EngineResource,
  ownership: Labels,
): Promise<string> {
  const name = `castoff-adopts-${randomHex(8)}`;
  const labels = { ...ownership, ...creationLabels('volume'), [labelNames.adopts]: adoptionKey(adopted) };
  valueOf(await createVolume(engine, name, labels));
  return name;
}

/** Lists the adoption markers of all sessions. @throws EngineError when the engine cannot list volumes. */
export async function listMarkers(engine: Engine): Promise<readonly ListedTarget[]> {
  return listTargets(engine, [labelNames.adopts], ['volume']);
}

/**
 * Resolves to the session that has adopted the resource, by a marker that is not among those known before; to
 * `undefined` when there is none. Sends one request. Call it right before a removal.
 *
 * @throws EngineError when the engine cannot list volumes.
 */
export async function findAdopter(
  engine: Engine,
  resource: EngineResource,
  isKnown: (marker: ListedTarget) => boolean,
): Promise<string | undefined> {
  const markers = await listTargets(engine, [`${labelNames.adopts}=${adoptionKey(resource)}`], ['volume']);
  return markers.find((marker) => !isKnown(marker))?.labels[labelNames.session];
}

/** Returns the adoptions that the markers among `listed` record. */
export function adoptionsIn(listed: readonly Pick<ListedTarget, 'kind' | 'labels'>[]): readonly Adoption[] {
  return listed.flatMap(({ kind, labels }) => {
    const { [labelNames.session]: session } = labels;
    const key = markedKey(labels);
    return kind === 'volume' && key !== undefined && session !== undefined ? [{ session, key }] : [];
  });
}
