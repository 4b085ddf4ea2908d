import type { RemovableKind } from './removable-kind';

/**
 * Names one thing of an engine for good. A volume has a name only, which may come to stand for another one: when it was created, in the
 * engine's own words, tells the two apart.
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
