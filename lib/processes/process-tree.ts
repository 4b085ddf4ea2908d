import { tolerate } from '../core/errno';
import type { Owner } from '../core/labels';
import { endGroup, type GroupEnding } from './end-group';
import { isStillAlive, proveOwnersHere } from './owner';
import { listProcesses, readProcessFacts, withDescendants, type ProcessFacts } from './process-facts';

/**
 * Ends a process that another process of this machine started in its own group, with its descendants, if the
 * process is proven to be the same: the same pid, start and boot. Resolves to whether it was. Descendants that
 * started a session of their own stay, and without `/proc`, all of them do.
 *
 * @throws CastoffError `CLEANUP_FAILED` when a process survives; the reason of the signal.
 */
export async function endTreeOf(root: Owner, ending: GroupEnding): Promise<boolean> {
  if (proveOwnersHere()(root).state !== 'alive') return false;
  // Descendants whose parent has ended are found no more: those found earlier count.
  const found = new Map<number, ProcessFacts>();
  const refresh = (): void => {
    for (const one of listTree(root.pid)) found.set(one.pid, one);
  };
  const isAlive = (): boolean => isStillAlive(root) || [...found.values()].some(isSame);
  const kill = (signal: NodeJS.Signals): void => {
    if (isStillAlive(root)) {
      refresh();
      sendSignal(root.pid, signal);
    }
    for (const one of found.values()) if (one.pid !== root.pid && isSame(one)) sendSignal(one.pid, signal);
  };
  await endGroup({ id: root.pid, isAlive, kill }, ending);
  return true;
}

/** Sends SIGKILL to a child process and its descendants, except those that started a session of their own. */
export function killTree(pid: number): void {
  const tree = listTree(pid);
  sendSignal(pid, 'SIGKILL');
  for (const one of tree) if (one.pid !== pid) sendSignal(one.pid, 'SIGKILL');
}

function listTree(pid: number): readonly ProcessFacts[] {
  const all = listProcesses();
  const session = all.find((one) => one.pid === pid)?.session;
  const ofSession = all.filter((one) => one.session === session);
  const found = withDescendants([pid], ofSession);
  return ofSession.filter((one) => found.has(one.pid));
}

function isSame({ pid, start }: ProcessFacts): boolean {
  return readProcessFacts(pid)?.start === start;
}

/** Survivors are found afterwards: EPERM, for a process of another user, is no reason to spare the others. */
function sendSignal(pid: number, signal: NodeJS.Signals): void {
  tolerate(['ESRCH', 'EPERM'], () => process.kill(pid, signal), false);
}
