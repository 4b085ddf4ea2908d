import type { OwnedTarget } from '../scope/owned-target';

/**
 * What nobody will ask for again: the ids that engines and testcontainers draw (12 digits for a network, 64 for a volume), those with
 * testcontainers' prefix for a Compose project, and castoff's own for an image.
 */
const drawn = /^(?:testcontainers-|localhost\/castoff:)?[0-9a-f-]{12,}$/;

/**
 * Whether something other than a container has a name that the next test may want. The network could not be created while this one is
 * there; the volume would be found, with what is in it, and then taken away.
 */
export function hasFixedName({ kind, id, name }: Pick<OwnedTarget, 'kind' | 'id' | 'name'>): boolean {
  return kind !== 'container' && !drawn.test(name ?? id.replace(/^sha256:/, ''));
}
