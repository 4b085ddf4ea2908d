import type { Labels } from '../core/labels';
import type { Target } from './kind';

/** A resource to remove; its labels name the Swarm service that it belongs to. */
export interface PlannedTarget extends Target {
  readonly name?: string | undefined;
  readonly labels?: Labels | undefined;
}

/** The resources found by one listing. */
export interface Listing<T> {
  readonly found: readonly T[];
  /** Resources to keep, and why. */
  readonly unclear?: readonly { readonly target: T; readonly reason: string }[] | undefined;
}

/** One resource of a cleanup. */
export interface CleanupItem<T, R> {
  readonly target: T;
  readonly progress:
    /** Listed, and not tried yet. */
    | 'waiting'
    | 'trying'
    /** An attempt failed, and another one follows. */
    | 'pausing'
    | 'gone'
    /** Given up. */
    | 'left'
    /** Kept: it may not be the owner's. */
    | 'unclear';
  /** Since it was last found. */
  readonly attempts: number;
  /** When the first of them started. */
  readonly startedAtMs: number;
  readonly result?: R | undefined;
  /** The error of the last failed attempt. */
  readonly error?: unknown;
  /** Why it still exists; empty when unknown. */
  readonly reason: string;
}

/** How often a removal is tried, and how often a name that exists again is removed. */
export interface AttemptLimits {
  /** Attempts for each resource, and the pauses between them. Default: the first failure is final. */
  readonly retry?:
    { readonly maxAttempts: number; readonly firstPauseMs: number; readonly maxPauseMs: number } | undefined;
  /** Default: no limit. */
  readonly maxRepeats?: number | undefined;
}

/** When attempts start. Times are in milliseconds. */
export interface StartLimits {
  /** Attempts at once. */
  readonly maxConcurrent: number;
  /** How long one attempt may block the kinds after its own. */
  readonly stuckMs: number;
  /** How long one attempt counts as one of `maxConcurrent`. Default: `stuckMs`. */
  readonly slotMs?: number | undefined;
}
