import type { LeftOnEngine, RunEnd } from '../leaks/verdict';
import type { RunCleaner } from './run-cleaner';
import type { RunSession } from './run-session';
import type { SharedDesk } from './shared-desk';
import { removeStaleLines } from './stale-lines';

export interface EndingRun {
  readonly runSession: RunSession;
  readonly shared: SharedDesk;
  readonly cleaner: RunCleaner;
  readonly address: string;
}

/** Ends what a run has, one after the other, whatever fails on the way; then looks whether it is gone. */
export async function endRun({ runSession, shared, cleaner, address }: EndingRun): Promise<RunEnd> {
  const failures: unknown[] = [];
  let left: readonly LeftOnEngine[] = [];
  const attempt = async (step: () => Promise<unknown>): Promise<void> => {
    try {
      await step();
    } catch (error) {
      failures.push(error);
    }
  };
  const names = await shared.end();
  await cleaner.haveBuried();
  const session = await runSession.opened();
  if (session !== undefined) {
    for (const name of names) await cleaner.clearShared(name);
    await attempt(() => session.close());
    await attempt(async () => (left = await cleaner.look(session.engine)));
    await attempt(() => removeStaleLines(address));
  }
  // A worker may have gone meanwhile.
  await cleaner.haveBuried();
  if (left.length === 0) await attempt(() => cleaner.forgetJournals());
  return {
    things: cleaner.records(),
    failures: [...cleaner.failures, ...failures],
    left,
    deadWorkers: cleaner.deadWorkers,
  };
}
