import { setTimeout as delay } from 'node:timers/promises';

/**
 * Polls until the condition holds, or the timeout expires. Resolves to whether it holds.
 *
 * @param timeoutMs - Default 20 s, more than a busy machine needs: only a spec that fails waits for so long.
 * @param pauseMs - Default 10.
 */
export async function until(
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 20_000,
  pauseMs = 10,
): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) return false;
    await delay(pauseMs);
  }
  return true;
}
