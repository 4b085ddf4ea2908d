import { processWide, shareState } from '../core/global-state';
import type * as DurationFile from './duration-file';
import type * as JudgeDuration from './judge-duration';
import { maxRuns } from './measured-run';
import type * as StoredDurations from './stored-durations';

/** The runs that this process has measured and not written yet. */
interface PendingRuns {
  readonly durationsByName: Map<string, number[]>;
  /** Whether something writes them later: the end of a test file, or of the process. */
  isWrittenLater: boolean;
  /** The working directory of the process: tests may change it. */
  readonly cwd: string;
}

const pending = (): PendingRuns =>
  processWide('durations', () => ({
    durationsByName: new Map<string, number[]>(),
    isWrittenLater: false,
    cwd: currentFolder(),
  }));

function currentFolder(): string {
  try {
    return process.cwd();
  } catch {
    // ENOENT: it has been deleted.
    return '/';
  }
}

// Loaded when there is something to write or to judge.
const late = {
  file: () => require('./duration-file') as typeof DurationFile,
  stored: () => require('./stored-durations') as typeof StoredDurations,
  judge: () => require('./judge-duration') as typeof JudgeDuration,
} as const;

/**
 * Records how long a run of an operation took that ended in time. It is written at the end of the test file
 * or of the process.
 *
 * @param name - The same for each run of the operation: `measure import`.
 */
export function recordDuration(name: string, durationMs: number): void {
  const state = pending();
  const durations = state.durationsByName.get(name);
  if (durations === undefined) state.durationsByName.set(name, [durationMs]);
  else if (durations.push(durationMs) >= 2 * maxRuns) durations.splice(0, maxRuns);
  if (state.isWrittenLater) return;
  state.isWrittenLater = true;
  process.once('exit', writeDurations);
}

/** Writes the recorded durations. Does nothing, and creates no file, when there are none. Never throws. */
export function writeDurations(): void {
  const { durationsByName, cwd } = pending();
  if (durationsByName.size === 0) return;
  const runs = [...durationsByName].flatMap(([name, durations]) =>
    durations.slice(-maxRuns).map((durationMs) => ({ name, durationMs })),
  );
  durationsByName.clear();
  late.file().appendRuns(runs, cwd);
}

/** Leaves writing to the caller, who calls {@link writeDurations}, instead of the exit of the process. */
export function takeOverWriting(): void {
  pending().isWrittenLater = true;
}

/** Makes code in a sandbox record its durations in this process's history. */
export function shareHistory(sandbox: object): void {
  shareState('durations', sandbox, pending());
}

/**
 * Judges by the history of an operation why its limit expired, as `judgeDuration` does. Returns
 * `undefined` without a claim. Never throws.
 */
export function explainTimeout(name: string, expired: JudgeDuration.ExpiredLimit): string | undefined {
  const { durationsByName, cwd } = pending();
  const runs = [...late.stored().readDurations(name, cwd), ...(durationsByName.get(name) ?? [])];
  return late.judge().judgeDuration(runs.slice(-maxRuns), expired);
}
