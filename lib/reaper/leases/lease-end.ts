import type { LeaseEvent } from './leases';

/** How a lease ended, and what follows. */
export interface LeaseEnd {
  /** Grace period, in milliseconds, unless the client sent `bye`. */
  readonly graceMs: number;
  /** Whether the client sent `bye`. */
  readonly isClean: boolean;
  /**
   * Pauses, in milliseconds, before its claims are listed again, unless the client sent `bye`. Default: none.
   */
  readonly latePausesMs?: readonly number[] | undefined;
}

/**
 * The event for the end of `lease`. A `bye` needs no grace period: the client has finished creating
 * resources.
 */
export function closedEvent(lease: string, end: LeaseEnd, atMs: number): LeaseEvent {
  const { graceMs, isClean, latePausesMs } = end;
  return isClean
    ? { type: 'closed', lease, graceMs: 0, atMs }
    : { type: 'closed', lease, graceMs, latePausesMs, atMs };
}
