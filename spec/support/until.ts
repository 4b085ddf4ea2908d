import { setTimeout as delay } from 'node:timers/promises';

/** Polls until the condition holds, at most this long. Resolves to whether it did. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  timeoutMs: number,
): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) return false;
    await delay(10);
  }
  return true;
}
