/**
 * The kinds of resources that an engine lists, removes and reports events of, in the order of their removal:
 * dependents before their dependencies. For a new one, add it here and follow the compiler.
 */
export const removableKinds = ['container', 'network', 'volume', 'image'] as const;

/** One of {@link removableKinds}. */
export type RemovableKind = (typeof removableKinds)[number];

/** A resource on an engine: by its id, or by its name where it has none. */
export interface EngineResource {
  readonly kind: RemovableKind;
  readonly id: string;
}
