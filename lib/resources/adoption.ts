import { randomBytes } from 'node:crypto';
import { creationLabels, labelNames } from '../core/labels';
import { valueOf, type Engine } from '../engine/engine';
import { listTargets, type ListedTarget } from '../engine/list-targets';
import type { RemovableKind } from '../engine/removable-kind';
import { createVolume } from '../engine/volume-calls';

type Labels = Readonly<Record<string, string>>;

/** An id, or the name of a volume. */
interface Resource {
  readonly kind: RemovableKind;
  readonly id: string;
}

/** A resource that `session` has adopted from another session. */
export interface Adoption {
  readonly session: string;
  /** As {@link adoptionKey} returns it. */
  readonly key: string;
}

export function adoptionKey({ kind, id }: Resource): string {
  return `${kind}:${id}`;
}

/** The key of the resource that a marker is about; `undefined`: these are not the labels of a marker. */
export function markedKey(labels: Labels): string | undefined {
  return labels[labelNames.adopts];
}

/**
 * Creates the marker of an adoption: an empty volume with the labels of the adopting session, which goes with that session however it
 * ends. Journals are visible to processes of one user with one temporary folder; a marker is visible to all clients of the engine.
 *
 * Resolves to the name of the marker.
 *
 * @throws EngineError when the engine does not create it.
 */
export async function createMarker(engine: Engine, adopted: Resource, ownership: Labels): Promise<string> {
  const name = `castoff-adopts-${randomBytes(8).toString('hex')}`;
  const labels = { ...ownership, ...creationLabels('volume'), [labelNames.adopts]: adoptionKey(adopted) };
  valueOf(await createVolume(engine, name, labels));
  return name;
}

/** @throws EngineError when the engine cannot list volumes. */
export async function listMarkers(engine: Engine): Promise<readonly ListedTarget[]> {
  return listTargets(engine, [labelNames.adopts], ['volume']);
}

/** The adoptions that `listed` resources mark. */
export function adoptionsIn(listed: readonly Pick<ListedTarget, 'kind' | 'labels'>[]): readonly Adoption[] {
  return listed.flatMap(({ kind, labels }) => {
    const { [labelNames.session]: session } = labels;
    const key = markedKey(labels);
    return kind === 'volume' && key !== undefined && session !== undefined ? [{ session, key }] : [];
  });
}
