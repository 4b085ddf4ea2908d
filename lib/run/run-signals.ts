import { print } from '../core/print';
import { formatDuration } from '../core/durations';
import { isCastoffError, messageOf } from '../core/errors';
import { withTimeout } from '../core/timeout';
import type { ResourceRecord, RunEnd } from '../verdict/verdict';
import { finalStateOf } from '../verdict/describe-record';
import type { Run } from '../session/current-run';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
type EndSignal = (typeof signals)[number];

/** The time limit for closing a run after a signal; the reaper removes the rest. */
const closeTimeoutMs = 10_000;

/** Watches the signals that end this process. */
export interface SignalWatch {
  /** Whether a signal has come: the process exits by it after the run is closed. */
  readonly isDying: boolean;
  stop(): void;
}

interface SignalOptions {
  readonly isFirst?: boolean | undefined;
}

/**
 * Closes the run, for 10 s at most, when this process receives a signal to end, and then lets the signal end
 * the process. A second signal ends the process at once, and leaves the run's resources to the reaper. A
 * process that exits with an open run prints a message.
 *
 * @param options.isFirst - Whether other listeners get the signal only when the run is closed: those of Vitest
 * exit the process. Default false.
 */
export function watchSignals(run: Run, { isFirst = false }: SignalOptions = {}): SignalWatch {
  let isClosing = false;
  const restoreOthers = isFirst ? holdOtherListeners() : () => undefined;
  const onSignal = (signal: EndSignal): void => {
    if (isClosing || !run.isInUse) {
      dieBy(signal);
      return;
    }
    isClosing = true;
    void closeAndDie(run, signal, dieBy);
  };
  const onExit = (): void => {
    if (run.isInUse && !isStopped)
      print(`this process exits before its run has ended; the run's resources ${describeFate(run)}`);
  };
  let isStopped = false;
  const stop = (): void => {
    isStopped = true;
    for (const signal of signals) process.off(signal, onSignal);
    process.off('exit', onExit);
    restoreOthers();
  };
  const dieBy = (signal: EndSignal): void => {
    stop();
    process.kill(process.pid, signal);
  };
  for (const signal of signals) process.on(signal, onSignal);
  // Vitest 3 ends the process in its own listener.
  process.prependListener('exit', onExit);
  return {
    get isDying() {
      return isClosing;
    },
    stop,
  };
}

/** Removes the listeners of other code. Returns a function that adds them again. Idempotent. */
function holdOtherListeners(): () => void {
  const held = signals.flatMap((signal) =>
    // Those of `once`, which `listeners` unwraps, too.
    process.rawListeners(signal).map((listener) => ({ signal, listener: listener as () => void })),
  );
  for (const { signal, listener } of held) process.off(signal, listener);
  return () => {
    for (const { signal, listener } of held.splice(0)) process.on(signal, listener);
  };
}

async function closeAndDie(run: Run, signal: EndSignal, dieBy: (signal: EndSignal) => void): Promise<void> {
  print(`${signal}: removing the run's resources; send it again to exit at once`);
  try {
    const what = 'close the run';
    print(describeEnd(run, await withTimeout(run.close(), { what, timeoutMs: closeTimeoutMs })));
  } catch (error) {
    if (!isCastoffError(error, 'DEADLINE_EXCEEDED')) throw error;
    print(
      `not finished after ${formatDuration(closeTimeoutMs)}; the remaining resources ${describeFate(run)}`,
    );
  } finally {
    dieBy(signal);
  }
}

/** Describes what happens to a run's resources when its process exits now, after their name. */
export function describeFate({ isHeld }: Pick<Run, 'isHeld'>): string {
  return isHeld ? 'are left to the reaper' : 'stay: no reaper holds them; npx castoff sweep removes them';
}

function describeEnd(run: Run, { records, failures, left }: RunEnd): string {
  const removed = records.filter(({ state, outcome }) => state === 'gone' && outcome !== 'never-created');
  const unknown = records.filter((record) => record.state !== 'kept' && finalStateOf(record) === 'unknown');
  if (failures.length === 0 && left.length === 0 && unknown.length === 0)
    return `all gone (${describeCount(countDistinct(removed))})`;
  const reasons = failures.map((failure) => `; ${messageOf(failure)}`).join('');
  const unverified = unknown.length === 0 ? '' : `, and ${unknown.length} more could not be verified`;
  return `${describeCount(left.length)} ${describeFate(run)}${unverified}${reasons}`;
}

/** A resource that code creates and then gives to a scope has two records. */
function countDistinct(records: readonly ResourceRecord[]): number {
  return new Set(records.map((record) => record.id ?? record)).size;
}

function describeCount(count: number): string {
  return `${count} ${count === 1 ? 'resource' : 'resources'}`;
}
