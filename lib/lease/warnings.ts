import { printWarning } from '../core/print';
import { debuglog } from 'node:util';
import { processWide } from '../core/global-state';

/** What castoff warns of while a lease is held or wanted. */
export const leaseWarnings = {
  CASTOFF_LEASE_LOST: 'the connection to the reaper has ended; another is sought',
  CASTOFF_LEASE_REGAINED: 'a reaper holds the lease again',
  CASTOFF_CLAIM_UNANSWERED: 'a claim was not answered in time, and the work went on',
  CASTOFF_CLAIM_REFUSED: 'a reaper does not take a claim: what it covers is not reaped',
  CASTOFF_REAPER_DOWNGRADED: 'the reaper runs in another way than the one that was tried first',
  CASTOFF_REAPER_IN_CONTAINER:
    'the reaper is a process in the container that the session runs in, and ends with it',
  CASTOFF_REAPER_MISSING: 'the session goes on without a reaper',
  CASTOFF_REAPER_OFF: 'the reaper has been turned off',
} as const;

export type LeaseWarning = keyof typeof leaseWarnings;

/** Warns as Node does: on stderr, with a code, and to whoever listens to the process's `warning`. */
export function warn(code: LeaseWarning, message: string): void {
  printWarning(message, code);
}

/** The same, but for every code once in this process: for what does not change while it runs. */
export function warnOnce(code: LeaseWarning, message: string): void {
  const told = processWide('lease warnings told', () => new Set<LeaseWarning>());
  if (told.has(code)) return;
  told.add(code);
  warn(code, message);
}

const debug = debuglog('castoff');

/** For `NODE_DEBUG=castoff`: what is of use to somebody who wonders why. */
export function note(message: string): void {
  debug('%s', message);
}
