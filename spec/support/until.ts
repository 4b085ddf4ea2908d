import { setTimeout as delay } from 'node:timers/promises';

/** Polls every `pauseMs` until the condition holds or the timeout expires. Resolves to whether it holds. */
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
