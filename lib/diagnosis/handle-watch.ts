import { setTimeout as delay } from 'node:timers/promises';
import type { Handle, HandleOwner } from './handle';
import type * as openHandles from './open-handles';
import type { NamePeer } from './peer';
import { recordHandles } from './record-handles';
import { onRelease } from './release-objects';
import { addRunningWatch } from './running-watches';

/** In milliseconds: a close under way mostly ends at once; a late callback may be the last. */
const pauses = [20, 180, 200, 100];

/** Selects handles by their owner. */
type OwnerFilter = (owner: HandleOwner) => boolean;

/** A running watch of the handles that this process opens. */
export interface HandleWatch {
  /**
   * Resolves to the handles that hold the process or would outlive it. Checks again for up to 0.5 s while
   * there are some.
   *
   * @param filter - Default: all.
   */
  findLeaks(filter?: OwnerFilter): Promise<readonly Handle[]>;
  /** Lists them as they are now. */
  list(filter?: OwnerFilter): readonly Handle[];
  /** Stops the watch and forgets its handles. */
  stop(): void;
}

/**
 * Starts to record the handles that this process opens. Handles of Node.js itself, of castoff and of test
 * runners are left out, and those that do not hold the process.
 *
 * @param ownerOf - Returns the owner of what the running code opens; `undefined`: it is not recorded. Called
 * for each handle: it must be fast, not throw, and create no asynchronous resource.
 * @param userLineIn - Returns the user's line in a stack, as `file:line`.
 * @param namePeer - Returns a name for the peer of a connection: `redis (container of a.spec.ts:12)`.
 * @see Node.js, `async_hooks.createHook`
 */
export function startHandleWatch(
  ownerOf: () => HandleOwner | undefined,
  userLineIn: (stack: string) => string | undefined,
  namePeer?: NamePeer,
): HandleWatch {
  const records = recordHandles(ownerOf);
  const stopReleasing = onRelease(() => {
    lateOpenHandles().releaseAll(records.listOpen(), userLineIn);
    records.forgetSteps();
  });
  const list = (filter: OwnerFilter = () => true): readonly Handle[] => {
    const owned = records.listOpen().filter(({ owner }) => filter(owner));
    if (owned.length === 0) return [];
    return lateOpenHandles().describeOpen(owned, { userLineIn, namePeer });
  };
  const stopListing = addRunningWatch(list);
  return {
    list,
    async findLeaks(filter) {
      let found = list(filter);
      for (const pause of pauses) {
        if (found.length === 0) break;
        await delay(pause);
        found = list(filter);
      }
      return found;
    },
    stop() {
      stopReleasing();
      stopListing();
      records.stop();
    },
  };
}

/** Loaded with its first use: most code leaves nothing open. */
function lateOpenHandles(): typeof openHandles {
  return require('./open-handles') as typeof openHandles;
}
