import type { BoundedTarget } from '../resources/cleanup-resource';
import type { StartOptions } from './start-options';

/** A thing of a scope that is, or will be, on an engine. */
export interface OwnedTarget extends BoundedTarget {
  readonly key: string;
  readonly name?: string | undefined;
  /** Tells it from another resource under the same name, where it was seen. */
  readonly identity?: string | undefined;
  /** The volume that shows other processes that its session has adopted the resource. */
  readonly marker?: string | undefined;
  /** The address of the engine that it is on. */
  readonly engine: string;
  /** How it is stopped before its removal. Default: killed at once. */
  readonly stop?: StartOptions | undefined;
}
