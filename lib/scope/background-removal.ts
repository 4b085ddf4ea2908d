import type { FinalizerEnd } from './close-report';
import type { OwnedTarget } from './owned-target';

/** A removal that has started and that its scope does not wait for. */
export interface BackgroundRemoval extends Pick<OwnedTarget, 'key' | 'kind' | 'id'> {
  /** `container web (3f2a91c0d1e2)`. */
  readonly what: string;
  /** Where the resource was added to the scope: `file:line`. */
  readonly source?: string | undefined;
  /** Never rejects: a failure is its `error`, and is recorded in the registry. */
  readonly done: Promise<FinalizerEnd>;
}
