import type { BoundedTarget } from '../resources/cleanup-resource';

/** A thing of a scope that is, or will be, on an engine. */
export interface OwnedTarget extends BoundedTarget {
  readonly key: string;
  readonly name?: string | undefined;
  /** The address of the engine that it is on. */
  readonly engine: string;
}
