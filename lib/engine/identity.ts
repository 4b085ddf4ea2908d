import type { RemovableKind } from './removable-kind';

/**
 * Identifies one resource of an engine for good. A volume has only a name, which a later volume may have too: the engine's own
 * `CreatedAt` distinguishes the two.
 */
export function identityOf({
  kind,
  id,
  createdAt = '',
}: {
  readonly kind: RemovableKind;
  readonly id: string;
  readonly createdAt?: string | undefined;
}): string {
  return kind === 'volume' ? `volume ${id} ${createdAt}` : `${kind} ${id}`;
}
