import type { Socket } from 'node:net';
import type { BackgroundRemoval } from '../scope/background-removal';
import type { OwnedTarget } from '../scope/owned-target';
import { connectionsClosed, connectionsTo } from './connections';
import { hasFixedName } from './fixed-name';
import { openContextScope } from './context-scopes';
import type { TestContext } from './test-context';
import type { WorkerRunState } from './worker-run';

export interface ContextEnd {
  readonly hasFailed: boolean;
  /** Takes the removals that nobody has to wait for now. */
  readonly handOver: (removal: BackgroundRemoval) => void;
}

/**
 * Closes the scope of a place that is over, as the settings of the run have it.
 *
 * @throws CloseError
 */
export async function closeContext(
  place: TestContext,
  { link, watch }: WorkerRunState,
  { hasFailed, handOver }: ContextEnd,
): Promise<void> {
  const { cleanup, keep } = link.settings;
  const connections: Socket[] = [];
  const mustWaitForContainer = async (target: OwnedTarget): Promise<boolean> => {
    const own = await connectionsTo(target);
    connections.push(...own);
    return own.length > 0 || watch.hasFixedNameOrPort(target.id);
  };
  try {
    await openContextScope(place)?.close({
      reason: hasFailed ? 'failed' : 'done',
      onBackgroundRemoval: cleanup === 'background' ? handOver : undefined,
      // The next test may want its name or port; a client that is still connected fails when its server goes.
      shouldAwait: (target) =>
        target.kind === 'container' ? mustWaitForContainer(target) : hasFixedName(target),
      // A stop() that the test did not await would fail if its container went now.
      beforeRemoval: async (target) => {
        if (target.kind === 'container') await watch.whenQuiet(target.id);
      },
      isKept: () => isKept(keep, hasFailed),
    });
  } finally {
    await connectionsClosed(connections);
  }
}

/** Whether what belongs to a place is left as it is, to be looked at. */
export function isKept(keep: 'none' | 'failed', hasFailed: boolean): boolean {
  return keep === 'failed' && hasFailed;
}
