import { channel } from 'node:diagnostics_channel';

/** All realms of a process share it: a watch in Jest's environment, and code in its sandbox. */
const released = channel('castoff:release-objects');

/**
 * Makes every watch of this process let go of the objects of user code that it holds in unread stacks: call
 * it before a check that an object has been collected.
 */
export function releaseObjects(): void {
  released.publish(undefined);
}

/** Calls `release` at each {@link releaseObjects}. Returns a function that stops it. */
export function onRelease(release: () => void): () => void {
  const listener = (): void => release();
  released.subscribe(listener);
  return () => {
    released.unsubscribe(listener);
  };
}
