import { messageOf } from './errors';
import { processWide } from './global-state';
import { safeLinesForLog } from './safe-text';

/** All codes of warnings, each with its meaning and what to try; docs/errors.md has the same table. */
export const warnings = {
  CASTOFF_LEASE_LOST: {
    meaning: 'the connection to the reaper ended; castoff is looking for another',
    advice: 'nothing if `CASTOFF_LEASE_REGAINED` follows; else read why, with `NODE_DEBUG=castoff`',
  },
  CASTOFF_LEASE_REGAINED: { meaning: 'a reaper holds the lease again', advice: 'nothing' },
  CASTOFF_CLAIM_UNANSWERED: {
    meaning: 'the reaper did not answer a claim in time; the work continued',
    advice: 'nothing, unless it repeats: then the machine or the engine is overloaded',
  },
  CASTOFF_CLAIM_REFUSED: {
    meaning: 'the reaper rejected a claim: a crash would leave what it covers',
    advice: 'fix the reason that the message gives',
  },
  CASTOFF_REAPER_DOWNGRADED: {
    meaning: 'the reaper runs as a process, because its container could not be started',
    advice: 'fix the reason, or set `CASTOFF_REAPER=process`',
  },
  CASTOFF_REAPER_IN_CONTAINER: {
    meaning: "the reaper runs in this process's container, and would end with it",
    advice: 'build its image with `castoff reaper image`',
  },
  CASTOFF_REAPER_MISSING: {
    meaning: 'the session has no reaper: what a crash leaves stays until the next sweep',
    advice: 'fix the reason that the message gives',
  },
  CASTOFF_REAPER_OFF: { meaning: 'the reaper is turned off', advice: 'turn it on, or silence this warning' },
  CASTOFF_JOURNAL: {
    meaning: 'the journal cannot be written; after a crash, a sweep relies on labels',
    advice: 'free disk space, or make the file that the message names writable',
  },
  CASTOFF_KEPT: {
    meaning: "a resource with the session's labels was kept, because its identity could not be proven",
    advice: 'remove it yourself if it is yours',
  },
  CASTOFF_LATE_FINALIZER: {
    meaning: 'a function that was deferred on a closed scope ran at once, and failed',
    advice: 'fix the function, and defer it before the scope closes',
  },
  CASTOFF_LISTENER_FAILED: {
    meaning: 'a listener of the registry threw; the other listeners were called',
    advice: 'fix the listener',
  },
  CASTOFF_PREVIOUS_RUN: {
    meaning: 'the previous run of this process could not be closed completely',
    advice: 'run `castoff sweep`',
  },
  CASTOFF_PROCESS_LEFT: {
    meaning:
      'a command of `scope.run` has ended, and a process that it started and that left its group runs on',
    advice: 'end that process in a finalizer, or start it by a `scope.run` of its own',
  },
  CASTOFF_RAW_WATCH: {
    meaning: 'a request or command could not be watched, and what follows from it',
    advice: 'check that what it created is removed',
  },
  CASTOFF_RUN_SERVER: {
    meaning: 'a worker could not connect to its run',
    advice: 'raise the limit of open files, or use fewer workers',
  },
  CASTOFF_SWEEP_FAILED: {
    meaning: 'the background sweep failed',
    advice: 'run `castoff sweep`, which prints details',
  },
} as const;

/** A code of {@link warnings}. */
export type WarningCode = keyof typeof warnings;

/**
 * Emits a Node.js warning: printed on standard error, and passed to listeners of the process's `warning`
 * event. `--disable-warning=<code>` silences it.
 *
 * @param detail - More lines, printed below the message.
 */
export function warn(code: WarningCode, message: string, detail?: string): void {
  process.emitWarning(safeLinesForLog(message), { type: 'CastoffWarning', code, detail });
}

/** Emits a warning once per code and process: for facts that do not change while the process runs. */
export function warnOnce(code: WarningCode, message: string): void {
  const printed = processWide('printed warnings', () => new Set<WarningCode>());
  if (printed.has(code)) return;
  printed.add(code);
  warn(code, message);
}

/** Warns that castoff failed to capture something, and of the consequence. */
export function warnCapture(what: string, error: unknown, consequence: string): void {
  warn('CASTOFF_RAW_WATCH', `${what}: ${messageOf(error)}; ${consequence}`);
}
