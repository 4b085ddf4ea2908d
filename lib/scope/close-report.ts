import type { CleanupResult } from '../resources/cleanup-one';
import type { CommandEnd } from './command-end';

/**
 * Why a scope closes. `done`: its owner finished. `failed`: its owner reported a failure. `deadline`: its
 * timeout expired. `cancelled`: its signal, or its parent's, was aborted.
 */
export type CloseReason = 'done' | 'failed' | 'deadline' | 'cancelled';

/** The state and the outcome of a task. */
export interface TaskRecord {
  readonly name: string;
  readonly startedAt: Date;
  /** `undefined`: it is still running. */
  readonly endedAt?: Date | undefined;
  /** `cancelled`: ended by the abort of its signal. `stuck`: still running some time after the abort. */
  readonly outcome: 'running' | 'done' | 'failed' | 'cancelled' | 'stuck';
}

/** The outcome of one item of a scope. */
export interface FinalizerEnd {
  /** The name given to `defer`, `container web (3f2a91c0)` or `scope child`. */
  readonly what: string;
  /** Where the item was added to the scope: `file:line`. */
  readonly source?: string | undefined;
  readonly durationMs: number;
  /** For a resource on an engine. */
  readonly result?: CleanupResult | undefined;
  /** For a task. */
  readonly task?: TaskRecord | undefined;
  /** For a command. */
  readonly command?: CommandEnd | undefined;
  /** The resource was kept on purpose. */
  readonly isKept?: boolean | undefined;
  readonly error?: unknown;
}

/** The outcome of closing a scope; `ends` has one outcome per item, in the order in which they ended. */
export interface CloseReport {
  readonly scope: string;
  readonly reason: CloseReason;
  readonly durationMs: number;
  readonly ends: readonly FinalizerEnd[];
}
