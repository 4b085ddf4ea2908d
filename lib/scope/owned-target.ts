import type { BoundedTarget } from '../resources/cleanup-resource';
import type { StartOptions } from './start-options';

/** A resource on an engine that a scope removes when it closes. */
export interface OwnedTarget extends BoundedTarget {
  readonly key: string;
  readonly name?: string | undefined;
  /** Distinguishes it from a later resource with the same name, where the engine reports an identity. */
  readonly identity?: string | undefined;
  /** The volume that marks an adopted resource as owned by this session, for other processes. */
  readonly marker?: string | undefined;
  /** The address of its engine. */
  readonly engine: string;
  /** How it is stopped before its removal. Default: killed at once. */
  readonly stop?: StartOptions | undefined;
}
