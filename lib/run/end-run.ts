import type { LeftOnEngine, RunEnd, ResourceRecord } from '../verdict/verdict';
import { finalStateOf } from '../verdict/describe-record';
import { withTimeout } from '../core/timeout';
import type { RunSession } from './run-session';
import { removeStaleSockets } from './run-address';
import type { RunParts } from './run-parts';

/**
 * Ends the parts of a run one after the other, despite failures, and then lists the resources that are left.
 *
 * Never rejects: the result contains all failures.
 */
export async function closeRun(parts: RunParts, address: string): Promise<RunEnd> {
  const { runSession, shared, cleanup, patience, mayHaveResources } = parts;
  const failures: unknown[] = [];
  let left: readonly LeftOnEngine[] = [];
  let wasChecked = false;
  const attempt = async (step: () => Promise<unknown>): Promise<void> => {
    try {
      await step();
    } catch (error) {
      failures.push(error);
    }
  };
  const opening = openedWithin(runSession, patience.signal);
  const names = await shared.end();
  await cleanup.settled();
  const session = await opening;
  if (session !== undefined) {
    for (const name of names) await cleanup.clearShared(name);
    await attempt(() => session.close());
    await attempt(() => removeStaleSockets(address));
  } else if (cleanup.records().some((record) => mayExist(record))) {
    if (runSession.failure !== undefined) failures.push(runSession.failure);
    await attempt(() => cleanup.removeLeftovers(undefined));
  }
  // Without a session, only adopted resources and those created by commands may exist.
  if (mayHaveResources() && (session !== undefined || cleanup.records().some((record) => mayExist(record)))) {
    await attempt(async () => {
      left = await cleanup.listRemaining(session?.engine);
      wasChecked = true;
    });
  }
  // Another worker may have died meanwhile.
  await cleanup.settled();
  await attempt(async () => runSession.endHold());
  if (session !== undefined && wasChecked && left.length === 0)
    await attempt(() => forgetJournals(session, cleanup.records()));
  return {
    records: cleanup.records(),
    failures: [...cleanup.failures, ...failures],
    left,
    handles: parts.handles,
    deadWorkers: cleanup.deadWorkers,
    isRetained: cleanup.isRetained,
  };
}

function mayExist(record: ResourceRecord): boolean {
  return record.state !== 'kept' && finalStateOf(record) !== 'gone';
}

/** Removes the journals of the run's workers, unless they still record a resource that exists. */
async function forgetJournals(
  { id }: { readonly id: string },
  records: readonly ResourceRecord[],
): Promise<void> {
  if (records.length === 0) return;
  if (records.some((record) => record.state === 'kept' || mayExist(record))) return;
  const { readJournals, removeJournals } = await import('../registry/session-journals.ts');
  removeJournals(readJournals(id));
}

/** Resolves to the session; to `undefined` when there is none, or when `signal` aborts first. */
async function openedWithin(runSession: RunSession, signal: AbortSignal): ReturnType<RunSession['opened']> {
  const [opened] = await Promise.allSettled([
    withTimeout(runSession.opened(), { what: 'open the session', signal }),
  ]);
  return opened.status === 'fulfilled' ? opened.value : undefined;
}
