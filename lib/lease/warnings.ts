import { printWarning } from '../core/print';
import { debuglog } from 'node:util';
import { processWide } from '../core/global-state';

/** The codes of warnings about leases and reapers. */
export const leaseWarnings = {
  CASTOFF_LEASE_LOST: 'the connection to the reaper has ended; castoff connects to another',
  CASTOFF_LEASE_REGAINED: 'a reaper holds the lease again',
  CASTOFF_CLAIM_UNANSWERED: 'the reaper did not answer a claim in time; the work continued',
  CASTOFF_CLAIM_REFUSED: 'the reaper refused a claim: the resources it covers are not reaped',
  CASTOFF_REAPER_DOWNGRADED: 'the reaper did not start as a container, and runs as a process',
  CASTOFF_REAPER_IN_CONTAINER: 'the reaper is a process in the container of the session, and ends with it',
  CASTOFF_REAPER_MISSING: 'the session continues without a reaper',
  CASTOFF_REAPER_OFF: 'the reaper is turned off',
} as const;

/** A code of {@link leaseWarnings}. */
export type LeaseWarning = keyof typeof leaseWarnings;

/** Emits a warning of the process with this code. */
export function warn(code: LeaseWarning, message: string): void {
  printWarning(message, code);
}

/** Emits a warning of the process, once per code: for facts that do not change while the process runs. */
export function warnOnce(code: LeaseWarning, message: string): void {
  const printed = processWide('printed warnings', () => new Set<LeaseWarning>());
  if (printed.has(code)) return;
  printed.add(code);
  warn(code, message);
}

const debugLog = debuglog('castoff');

/** Logs a detail that is printed with `NODE_DEBUG=castoff`. */
export function logDebug(message: string): void {
  debugLog('%s', message);
}
