import { setTimeout as delay } from 'node:timers/promises';

/** Polls until the condition holds, at most this long. Resolves to whether it did. `pauseMs`: between two looks. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  timeoutMs: number,
  pauseMs = 10,
): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) return false;
    await delay(pauseMs);
  }
  return true;
}
