import type { FinalizerEnd } from './close-report';
import type { OwnedTarget } from './owned-target';

/** A removal that has begun, and that somebody other than the scope waits for. */
export interface DeferredRemoval extends Pick<OwnedTarget, 'key' | 'kind' | 'id'> {
  /** `container web (3f2a91c0d1e2)`. */
  readonly what: string;
  /** Where it was given to the scope: `file:line`. */
  readonly source?: string | undefined;
  /** Never rejects: a failure is the end's `error`, and stands in the registry. */
  readonly done: Promise<FinalizerEnd>;
}
