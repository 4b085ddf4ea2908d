import { print } from '../core/print';
import { formatDuration } from '../core/durations';
import { isCastoffError, messageOf } from '../core/errors';
import { withTimeout } from '../core/timeout';
import type { RunEnd } from '../verdict/verdict';
import { finalStateOf } from '../verdict/describe-record';
import type { Run } from '../session/current-run';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
type EndSignal = (typeof signals)[number];

/** How long the end by a signal may take; the reaper does what is not done by then. */
const closeTimeoutMs = 10_000;

/**
 * Has a signal that ends this process end the run first: it closes, for 10 s at the most, and the process dies by the same signal
 * then. A second signal ends it at once, and leaves what there is to the reaper. A process that exits without having closed the run
 * says so. Returns what ends the watch.
 */
export function watchSignals(run: Run): () => void {
  let hasHeard = false;
  const onSignal = (signal: EndSignal): void => {
    if (hasHeard || !run.isInUse) {
      dieBy(signal);
      return;
    }
    hasHeard = true;
    void closeAndDie(run, signal, dieBy);
  };
  const onExit = (): void => {
    if (run.isInUse && !hasClosed) print(`this process ends before the run has; what it has ${heir(run)}`);
  };
  let hasClosed = false;
  const stop = (): void => {
    hasClosed = true;
    for (const signal of signals) process.off(signal, onSignal);
    process.off('exit', onExit);
  };
  const dieBy = (signal: EndSignal): void => {
    stop();
    process.kill(process.pid, signal);
  };
  for (const signal of signals) process.on(signal, onSignal);
  process.on('exit', onExit);
  return stop;
}

async function closeAndDie(run: Run, signal: EndSignal, dieBy: (signal: EndSignal) => void): Promise<void> {
  print(`${signal}: removing what the run has; the same again ends this process at once`);
  try {
    const what = 'close the run';
    print(wordsOf(run, await withTimeout(run.close(), { what, timeoutMs: closeTimeoutMs })));
  } catch (error) {
    if (!isCastoffError(error, 'DEADLINE_EXCEEDED')) throw error;
    print(`not all of it is gone after ${formatDuration(closeTimeoutMs)}; the rest ${heir(run)}`);
  } finally {
    dieBy(signal);
  }
}

/** Who removes what this process leaves. */
function heir(run: Run): string {
  return run.isHeld ? 'is left to the reaper' : 'stays: no reaper holds it; npx castoff sweep removes it';
}

function wordsOf(run: Run, { things, failures, left }: RunEnd): string {
  const removed = things.filter(({ state, outcome }) => state === 'gone' && outcome !== 'never-created');
  const unknown = things.filter((thing) => thing.state !== 'kept' && finalStateOf(thing) === 'unknown');
  if (failures.length === 0 && left.length === 0 && unknown.length === 0)
    return `all gone (${removed.length} things)`;
  const reasons = failures.map((failure) => `; ${messageOf(failure)}`).join('');
  const silent = unknown.length === 0 ? '' : `, and whether ${unknown.length} more are gone is not known`;
  const whose = run.isHeld ? 'are left to the reaper' : 'stay: no reaper holds them';
  return `${left.length} things ${whose}${silent}${reasons}`;
}
