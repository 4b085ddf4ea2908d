import type { OwnedTarget } from '../scope/owned-resource';

/**
 * Names that are generated: ids of engines and testcontainers (12 digits for a network, 64 for a volume),
 * Compose projects with testcontainers' prefix, and images built by castoff.
 */
const generated = /^(?:testcontainers-|localhost\/castoff:)?[0-9a-f-]{12,}$/;

/**
 * Returns whether a resource other than a container has a name that the next test may use again. A network of
 * that name cannot be created while the old one exists; a volume would be reused with its content, and then
 * removed.
 */
export function hasFixedName({ kind, id, name }: Pick<OwnedTarget, 'kind' | 'id' | 'name'>): boolean {
  return kind !== 'container' && !generated.test(name ?? id.replace(/^sha256:/, ''));
}
