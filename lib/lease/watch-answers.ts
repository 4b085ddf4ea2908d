import { setImmediate as nextTurn } from 'node:timers/promises';

/** The options of {@link watchAnswers}. */
export interface AnswerLimits {
  /** The pause between two pings, in milliseconds. Default 10 000. */
  readonly pingEveryMs?: number | undefined;
  /** How long an answer may take, in milliseconds. Default 10 000. */
  readonly maxSilenceMs?: number | undefined;
}

/**
 * Pings a reaper while it answers, and calls `onSilence` once when it does not. The timers are unreferenced.
 *
 * Returns a function that stops the pings.
 *
 * @param ping - Settles when the reaper has answered, or when the connection has ended.
 */
export function watchAnswers(
  ping: () => Promise<unknown>,
  onSilence: () => void,
  { pingEveryMs = 10_000, maxSilenceMs = 10_000 }: AnswerLimits = {},
): () => void {
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  const schedule = (run: () => void, afterMs: number): void => {
    if (isStopped) return;
    timer = setTimeout(run, afterMs);
    timer.unref();
  };
  const check = async (): Promise<void> => {
    let hasAnswered = false;
    const expire = async (): Promise<void> => {
      // After code that blocked the event loop, timers run before pending answers are read.
      await nextTurn();
      await nextTurn();
      if (!hasAnswered && !isStopped) onSilence();
    };
    schedule(() => void expire(), maxSilenceMs);
    await Promise.allSettled([ping()]);
    clearTimeout(timer);
    hasAnswered = true;
    schedule(() => void check(), pingEveryMs);
  };
  schedule(() => void check(), pingEveryMs);
  return () => {
    isStopped = true;
    clearTimeout(timer);
  };
}
