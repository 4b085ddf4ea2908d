import { asError } from '../core/errors';
import type { TimeoutOptions } from '../core/timeout';
import { proveOwnersHere } from '../processes/owner';
import { endLeftProcess, findLeftProcesses, type LeftProcess } from '../registry/left-processes';
import { readAllJournals } from '../registry/session-journals';
import { describeOwner, tooYoungReason } from './judge-session';
import { labelsOfEntry, type Selection } from './selection';
import type { SweptResource } from './sweep-report';

interface SweepProcessesOptions extends Pick<TimeoutOptions, 'timeoutMs' | 'signal'> {
  readonly dryRun?: boolean | undefined;
  readonly olderThanMs?: number | undefined;
  readonly selection: Selection;
}

/**
 * Ends the child processes of commands whose parent is proven dead, with their groups. Resolves to one row for
 * each, and for each that cannot be proven. Contacts no engine.
 */
export async function sweepProcesses({
  dryRun = false,
  olderThanMs,
  selection,
  ...limits
}: SweepProcessesOptions): Promise<readonly SweptResource[]> {
  const prove = proveOwnersHere();
  const left = readAllJournals().flatMap((journals) => findLeftProcesses(journals, prove));
  const ends = await Promise.allSettled(
    left.map(async (one): Promise<SweptEnd> => {
      const isSelected = selection.accepts(
        describeLeft(one, olderThanMs),
        labelsOfEntry(one.session, one.record.owner),
      );
      if (!isSelected || !one.isProven || tooYoungReason([ageOf(one)], olderThanMs) !== undefined)
        return { action: 'kept' };
      if (dryRun) return { action: 'would-remove' };
      const wasThere = await endLeftProcess(one, limits);
      return { action: 'removed', outcome: wasThere ? 'removed' : 'already-gone' };
    }),
  );
  return ends.map((end, at): SweptResource => {
    const row = describeLeft(left[at] as LeftProcess, olderThanMs);
    return end.status === 'fulfilled'
      ? { ...row, ...end.value }
      : { ...row, action: 'failed', error: asError(end.reason) };
  });
}

type SweptEnd = Pick<SweptResource, 'action' | 'outcome'>;

function describeLeft(left: LeftProcess, olderThanMs: number | undefined): Omit<SweptResource, 'action'> {
  const { session, record, parent, proof } = left;
  const ageMs = ageOf(left);
  const tooYoung = tooYoungReason([ageMs], olderThanMs);
  return {
    kind: 'process',
    id: String(record.process.pid),
    name: record.command,
    session,
    owner: describeOwner(parent),
    proof: `${proof}; named in its journal${tooYoung === undefined ? '' : `, but ${tooYoung}`}`,
    ageMs,
  };
}

function ageOf({ record }: LeftProcess): number {
  return Date.now() - record.startedAt.getTime();
}
