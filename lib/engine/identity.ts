import type { RemovableKind } from '../core/kinds';

/** A resource on an engine: by its id, or by its name where it has none. */
export interface EngineResource {
  readonly kind: RemovableKind;
  readonly id: string;
}

/**
 * Returns a permanent identity of one resource on an engine. A volume only has a name, which a later volume
 * may reuse: the engine's own `CreatedAt` distinguishes the two.
 */
export function identityOf(resource: EngineResource & { readonly createdAt?: string | undefined }): string {
  const { kind, id, createdAt = '' } = resource;
  return kind === 'volume' ? `volume ${id} ${createdAt}` : `${kind} ${id}`;
}
