import { messageOf } from '../core/errors';
import { print } from '../core/print';
import type { Handle, HandleOwner } from '../diagnosis/handle';
import type { HandleWatch } from '../diagnosis/handle-watch';
import type { RunClient } from '../session/run-client';
import type { OpenHandle } from '../verdict/verdict';

/** Handles per request to the run, whose lines have a maximum length. */
const batchSize = 50;

/**
 * Reports the handles of some owners to the run that are still open after up to 0.5 s.
 *
 * @param what - Names the owners, for an error that their code throws meanwhile.
 */
export async function reportHandles(
  watch: HandleWatch,
  client: RunClient,
  isOwner: (owner: HandleOwner) => boolean,
  what: string,
): Promise<void> {
  const found = await withLateErrors(what, () => watch.findLeaks(isOwner));
  // Without a line it belongs to the runner or to Node.js.
  const open = found.filter(({ source }) => source !== undefined).map((handle) => withAge(handle));
  for (let from = 0; from < open.length; from += batchSize)
    // Rejects when the run has ended, which prints no verdict then.
    await Promise.allSettled([client.reportHandles(open.slice(from, from + batchSize))]);
}

/** Adds the present age of a handle. */
export function withAge(handle: Handle): OpenHandle {
  return { ...handle, ageMs: Math.max(0, Date.now() - Date.parse(handle.createdAt)) };
}

/**
 * Runs `work`, which waits, and prints errors that callbacks of finished code throw meanwhile. The runner has
 * stopped listening for them, and they would end the process.
 */
async function withLateErrors<T>(what: string, work: () => Promise<T>): Promise<T> {
  const onError = (error: unknown): void =>
    print(`${what}: code that was not awaited failed after the end: ${messageOf(error)}`);
  process.on('uncaughtException', onError);
  try {
    return await work();
  } finally {
    process.off('uncaughtException', onError);
  }
}
