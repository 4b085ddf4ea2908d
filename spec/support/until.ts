import { setTimeout as delay } from 'node:timers/promises';

const longestPauseMs = 100;

/**
 * Polls until the condition holds, or the timeout expires. Resolves to whether it holds.
 *
 * The pauses grow, because a condition that asks the engine costs both processes CPU time.
 *
 * @param timeoutMs - Default 20 s, more than a busy machine needs: only a spec that fails waits for so long.
 * @param pauseMs - The first pause. Default 10.
 */
export async function until(
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 20_000,
  pauseMs = 10,
): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  for (
    let pause = pauseMs;
    !(await condition());
    pause = Math.max(pauseMs, Math.min(1.3 * pause, longestPauseMs))
  ) {
    if (performance.now() > deadline) return false;
    await delay(pause);
  }
  return true;
}
