import type { LeaseEvent } from './leases';

/** How a lease ended. */
export interface LeaseEnd {
  /** How long its return is waited for where it ended without a bye. */
  readonly graceMs: number;
  /** Whether the client said bye. */
  readonly isClean: boolean;
  /** The pauses before its claims are looked for again where it ended without a bye. */
  readonly latePausesMs?: readonly number[] | undefined;
}

/** After a bye nothing is waited for: the client has seen all that it created. */
export function closedEvent(lease: string, end: LeaseEnd, atMs: number): LeaseEvent {
  const { graceMs, isClean, latePausesMs } = end;
  return isClean
    ? { type: 'closed', lease, graceMs: 0, atMs }
    : { type: 'closed', lease, graceMs, latePausesMs, atMs };
}
