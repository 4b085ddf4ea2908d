import type { Bounds } from '../core/bounds';
import type { Engine } from '../engine/engine';
import type { RegistryEntry } from '../registry/entry';
import type { BoundedTarget } from '../resources/compose-project';
import type { FinalizerEnd } from './close-report';
import type { StartOptions } from './start-options';

/** A resource on an engine that a scope removes when it closes. */
export interface OwnedTarget extends BoundedTarget, Pick<RegistryEntry, 'key' | 'name' | 'identity'> {
  /** The volumes that mark an adopted resource, or the parts of a project, as owned by this session. */
  readonly markers?: readonly string[] | undefined;
  /** The bounds of the claim on a Compose project, for a crash. Default: its own bounds. */
  readonly claimBounds?: Bounds | undefined;
  /** The engine that it was created on, even if `DOCKER_HOST` has changed since. */
  readonly engine: Engine;
  /** Whether the next container may need its name or host port, where its creation was not captured. */
  readonly hasFixedNameOrPort?: boolean | undefined;
  /** How it is stopped before its removal. Default: killed at once. */
  readonly stop?: StartOptions | undefined;
}

/** A resource that its scope removes when it closes. */
export interface OwnedResource {
  readonly what: string;
  readonly source?: string | undefined;
  /** Resolves to `undefined` when nothing was created. Has its own timeout. */
  target(): Promise<OwnedTarget | undefined>;
}

/** A removal that has started and that its scope does not wait for. */
export interface BackgroundRemoval extends Pick<OwnedTarget, 'key' | 'kind' | 'id'> {
  /** `container web (3f2a91c0d1e2)`. */
  readonly what: string;
  /** Where the resource was added to the scope: `file:line`. */
  readonly source?: string | undefined;
  /** Never rejects: a failure is its `error`, and is recorded in the registry. */
  readonly done: Promise<FinalizerEnd>;
}
