import type { Owner } from '../core/labels';
import { timeouts } from '../core/timeouts';
import { withTimeout, type TimeoutOptions } from '../core/timeout';
import { endGroupOf } from '../processes/end-group';
import { proveOwnersHere } from '../processes/owner';
import { endTreeOf } from '../processes/process-tree';
import type { OwnerProof } from '../processes/owner-proof';
import type { JournaledProcess, SessionJournals } from './session-journals';

/** A child process that a dead process left, or may have left. */
export interface LeftProcess {
  readonly session: string;
  readonly record: JournaledProcess['record'];
  /** The process that started it. */
  readonly parent: Owner | undefined;
  /** Whether it is proven to be that child process, of a dead parent. */
  readonly isProven: boolean;
  /** The reason, for display. */
  readonly proof: string;
}

/**
 * Finds the child processes whose parent is not alive, and that have not ended. Only processes of this boot and
 * pid namespace can be proven.
 *
 * @param prove - Proves whether an owner is alive, by what this process sees now.
 */
export function findLeftProcesses(
  { session, processes }: Pick<SessionJournals, 'session' | 'processes'>,
  prove: (owner: Owner, lastActiveMs?: number) => OwnerProof,
): readonly LeftProcess[] {
  return processes.flatMap(({ record, parents }): readonly LeftProcess[] => {
    const [first] = parents;
    const proofs = parents.map(({ owner, lastActiveMs }) => prove(owner, lastActiveMs));
    if (proofs.some(({ state }) => state === 'alive')) return [];
    const own = prove(record.process);
    if (own.state === 'dead') return [];
    const unclear =
      proofs.find(({ state }) => state === 'unknown') ?? (own.state === 'unknown' ? own : undefined);
    const proof = unclear?.proof ?? `${proofs[0]?.proof ?? 'no owner is named'}; ${own.proof}`;
    const isProven = unclear === undefined && first !== undefined;
    return [{ session, record, parent: first?.owner, isProven, proof }];
  });
}

/**
 * Ends such a process with its group, or with its descendants: SIGTERM, 5 s of grace, SIGKILL. Proves the process again first, and leaves a
 * later process with its pid alone. Resolves to whether it was still there.
 *
 * @throws CastoffError `CLEANUP_FAILED` when a process survives; DeadlineError; Error `EPERM`; the reason of the
 * signal.
 */
export async function endLeftProcess(
  { record }: Pick<LeftProcess, 'record'>,
  { timeoutMs, signal }: Pick<TimeoutOptions, 'timeoutMs' | 'signal'> = {},
): Promise<boolean> {
  const what = `command ${record.command}`;
  const over = new AbortController();
  const either = signal === undefined ? over.signal : AbortSignal.any([over.signal, signal]);
  const ending = { what, graceMs: timeouts.commandGraceMs, signal: either };
  try {
    const { process, group, isTree = false } = record;
    const end = isTree ? endTreeOf(process, ending) : endGroupOf(process, group, ending);
    return await withTimeout(end, { what, timeoutMs, signal });
  } finally {
    over.abort();
  }
}

/** The processes that were ended, and the errors of those that could not be. */
export interface ProcessesEnd {
  readonly ended: readonly LeftProcess[];
  readonly errors: readonly unknown[];
}

/** Ends every such process in these journals that is proven, all at once. Never rejects. */
export async function endLeftProcesses(
  journals: Pick<SessionJournals, 'session' | 'processes'>,
  limits: Pick<TimeoutOptions, 'timeoutMs' | 'signal'>,
): Promise<ProcessesEnd> {
  const left = findLeftProcesses(journals, proveOwnersHere()).filter(({ isProven }) => isProven);
  const ends = await Promise.allSettled(left.map((one) => endLeftProcess(one, limits)));
  return {
    ended: left.filter((_, at) => {
      const end = ends[at];
      return end?.status === 'fulfilled' && end.value;
    }),
    errors: ends.flatMap((end): readonly unknown[] => (end.status === 'rejected' ? [end.reason] : [])),
  };
}
