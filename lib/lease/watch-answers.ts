import { setImmediate as nextTurn } from 'node:timers/promises';

export interface AnswerLimits {
  /** The pause between two pings, in milliseconds. Default 10 000. */
  readonly pingEveryMs?: number | undefined;
  /** How long an answer may take, in milliseconds. Default 10 000. */
  readonly maxSilenceMs?: number | undefined;
}

/**
 * Pings a reaper as long as it answers, and calls `onSilence` once when it does not. The timers keep no process alive.
 *
 * @param ping - Resolves when the reaper has answered.
 * @returns Ends the watch.
 */
export function watchAnswers(
  ping: () => Promise<unknown>,
  onSilence: () => void,
  { pingEveryMs = 10_000, maxSilenceMs = 10_000 }: AnswerLimits = {},
): () => void {
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  const schedule = (run: () => void, afterMs: number): void => {
    if (isOver) return;
    timer = setTimeout(run, afterMs);
    timer.unref();
  };
  const check = async (): Promise<void> => {
    let hasAnswered = false;
    const judge = async (): Promise<void> => {
      // After code that blocks the event loop, timers run before the answers that have arrived meanwhile are read.
      await nextTurn();
      await nextTurn();
      if (!hasAnswered && !isOver) onSilence();
    };
    schedule(() => void judge(), maxSilenceMs);
    // Rejects when the connection has ended, which is noticed without a ping.
    const [answer] = await Promise.allSettled([ping()]);
    clearTimeout(timer);
    if (answer.status === 'rejected') return;
    hasAnswered = true;
    schedule(() => void check(), pingEveryMs);
  };
  schedule(() => void check(), pingEveryMs);
  return () => {
    isOver = true;
    clearTimeout(timer);
  };
}
