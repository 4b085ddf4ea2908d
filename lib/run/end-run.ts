import type { LeftOnEngine, RunEnd, ResourceRecord } from '../verdict/verdict';
import { finalStateOf } from '../verdict/describe-record';
import { withTimeout } from '../core/timeout';
import type { EndPatience } from '../session/end-patience';
import type { RunCleanup } from './run-cleanup';
import type { RunSession } from './run-session';
import type { SharedFixtures } from './shared-fixtures';
import { removeStaleSockets } from './stale-sockets';

export interface EndingRun {
  readonly runSession: RunSession;
  readonly shared: SharedFixtures;
  readonly cleaner: RunCleanup;
  readonly patience: EndPatience;
  readonly address: string;
}

/** Ends what a run has, one after the other, whatever fails on the way; then looks whether it is gone. */
export async function closeRun({
  runSession,
  shared,
  cleaner,
  patience,
  address,
}: EndingRun): Promise<RunEnd> {
  const failures: unknown[] = [];
  let left: readonly LeftOnEngine[] = [];
  let hasLooked = false;
  const attempt = async (step: () => Promise<unknown>): Promise<void> => {
    try {
      await step();
    } catch (error) {
      failures.push(error);
    }
  };
  const opening = openedWithin(runSession, patience.signal);
  const names = await shared.end();
  await cleaner.settled();
  const session = await opening;
  if (session !== undefined) {
    for (const name of names) await cleaner.clearShared(name);
    await attempt(() => session.close());
    await attempt(() => removeStaleSockets(address));
  } else if (cleaner.records().some((record) => isOpen(record))) {
    if (runSession.failure !== undefined) failures.push(runSession.failure);
    await attempt(() => cleaner.closeRest(undefined));
  }
  // Without a session nothing was created by what castoff holds back; what was adopted, or created by a command, may be there.
  if (session !== undefined || cleaner.records().some((record) => isOpen(record))) {
    await attempt(async () => {
      left = await cleaner.look(session?.engine);
      hasLooked = true;
    });
  }
  // A worker may have gone meanwhile.
  await cleaner.settled();
  if (session !== undefined && hasLooked && left.length === 0)
    await attempt(() => forgetJournals(session, cleaner.records()));
  return {
    things: cleaner.records(),
    failures: [...cleaner.failures, ...failures],
    left,
    deadWorkers: cleaner.deadWorkers,
  };
}

function isOpen(record: ResourceRecord): boolean {
  return record.state !== 'kept' && finalStateOf(record) !== 'gone';
}

/** Takes away the journals of workers that are gone, where nothing is left that they could tell of. */
async function forgetJournals(
  { id }: { readonly id: string },
  records: readonly ResourceRecord[],
): Promise<void> {
  if (records.length === 0) return;
  if (records.some((record) => record.state === 'kept' || isOpen(record))) return;
  const { readJournals, removeJournals } = await import('../sweep/session-journals.ts');
  removeJournals(readJournals(id));
}

/** `undefined` when opening takes longer than the end of a run waits for an engine. */
async function openedWithin(runSession: RunSession, signal: AbortSignal): ReturnType<RunSession['opened']> {
  const [opened] = await Promise.allSettled([
    withTimeout(runSession.opened(), { what: 'open the session', signal }),
  ]);
  return opened.status === 'fulfilled' ? opened.value : undefined;
}
