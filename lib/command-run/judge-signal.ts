/** A signal that castoff has received, in milliseconds of a monotonic clock. */
export interface ReceivedSignal {
  readonly signal: NodeJS.Signals;
  readonly atMs: number;
}

/** What a signal finds. */
export interface SignalSituation {
  /** Whether the command runs; otherwise, castoff removes what it left. */
  readonly isRunning: boolean;
  /** Whether the terminal has sent it to the command, too. */
  readonly isFromTerminal: boolean;
  /** The signals before it, in order. */
  readonly earlier: readonly ReceivedSignal[];
}

/** The effect of a signal. */
export type SignalEffect = 'forward' | 'ignore' | 'announce' | 'end-at-once';

/** The signals that castoff handles. */
export const handledSignals = [
  'SIGINT',
  'SIGTERM',
  'SIGHUP',
  'SIGQUIT',
  'SIGUSR1',
  'SIGUSR2',
  'SIGWINCH',
] as const satisfies readonly NodeJS.Signals[];

const endSignals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];
/** Signals of a terminal's keys and size, which reach its whole foreground group. */
const terminalSignals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT', 'SIGWINCH'];

/**
 * Two signals further apart are two requests, as in a shell where Ctrl-C cancels a line. In milliseconds.
 */
const repeatWithinMs = 3_000;
/** Two signals closer together are one: npm forwards what the terminal has sent already. In milliseconds. */
const sameWithinMs = 200;

/**
 * Decides about a signal. While the command runs, it is forwarded, unless the command has it from the terminal;
 * the same end signal twice within 3 s ends castoff at once. When the command has ended, an end signal is announced
 * if it is the first of the run, and any other ends castoff at once.
 */
export function judgeSignal(
  { signal, atMs }: ReceivedSignal,
  { isRunning, isFromTerminal, earlier }: SignalSituation,
): SignalEffect {
  const isEnd = endSignals.includes(signal);
  const ends = earlier.filter((one) => endSignals.includes(one.signal) && atMs - one.atMs >= sameWithinMs);
  const isDouble = earlier.some((one) => one.signal === signal && atMs - one.atMs < sameWithinMs);
  if (!isRunning) {
    if (!isEnd || (isDouble && ends.length === 0)) return 'ignore';
    return ends.length > 0 ? 'end-at-once' : 'announce';
  }
  if (isEnd && ends.some((one) => one.signal === signal && atMs - one.atMs <= repeatWithinMs))
    return 'end-at-once';
  return isFromTerminal && terminalSignals.includes(signal) ? 'ignore' : 'forward';
}
