import { deadline } from '../core/deadline';
import { retryWithBackoff, RetryableError } from '../core/retry';
import { proveOwnersHere } from '../processes/owner';
import { endLeftProcesses } from '../registry/left-processes';
import { readJournals, type SessionJournals } from '../registry/session-journals';

/** The kernel closes the connections of a dying process before the process has ended. */
const dyingMs = 2_000;

/**
 * Ends the child processes of commands that a dead worker of the session has left. Resolves to the errors of
 * those that could not be ended.
 *
 * @param worker - Its id, which begins with its pid.
 */
export async function endWorkerProcesses(session: string, worker: string): Promise<readonly unknown[]> {
  const pid = Number.parseInt(worker, 10);
  const journals = readJournals(session);
  // A worker that is a thread of this process has its pid.
  if (pid === process.pid || !hasChildren(journals, pid)) return [];
  const check = async (): Promise<void> => {
    if (isAlive(journals, pid)) throw new RetryableError();
  };
  const signal = deadline(dyingMs, { what: 'wait for the end of the worker' });
  // Rejects when the worker has only closed its connection: then its processes are not proven to be left.
  await Promise.allSettled([retryWithBackoff(check, { firstPauseMs: 5, maxPauseMs: 50, signal })]);
  return (await endLeftProcesses(journals, {})).errors;
}

function hasChildren({ processes }: SessionJournals, pid: number): boolean {
  return processes.some(({ parents }) => parents.some(({ owner }) => owner.pid === pid));
}

function isAlive({ owners }: SessionJournals, pid: number): boolean {
  const prove = proveOwnersHere();
  return owners.some(({ owner }) => owner.pid === pid && prove(owner).state === 'alive');
}
