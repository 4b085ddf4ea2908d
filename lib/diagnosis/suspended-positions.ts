import { Session } from 'node:inspector/promises';
import type { ScriptPosition } from './heap-graph';

/** One takes some 50 ms. */
const maxFunctions = 16;

/**
 * Resolves to where functions are suspended, by their ids in a heap snapshot: the position of their `await`.
 *
 * @see Chrome DevTools Protocol, HeapProfiler.getObjectByHeapObjectId, Runtime.getProperties
 * @see V8, ValueMirror: `[[GeneratorLocation]]`
 */
export async function suspendedPositions(
  ids: readonly number[],
): Promise<ReadonlyMap<number, ScriptPosition>> {
  const positions = new Map<number, ScriptPosition>();
  const session = new Session();
  session.connect();
  try {
    for (const id of ids.slice(0, maxFunctions)) {
      const position = await positionOf(session, id);
      if (position !== undefined) positions.set(id, position);
    }
  } finally {
    session.disconnect();
  }
  return positions;
}

async function positionOf(session: Session, id: number): Promise<ScriptPosition | undefined> {
  const [found] = await Promise.allSettled([
    session.post('HeapProfiler.getObjectByHeapObjectId', { objectId: String(id) }),
  ]);
  // It has returned since the snapshot, and was collected.
  const objectId = found.status === 'fulfilled' ? found.value.result.objectId : undefined;
  if (objectId === undefined) return undefined;
  const { internalProperties = [] } = await session.post('Runtime.getProperties', {
    objectId,
    ownProperties: true,
  });
  const location = internalProperties.find(({ name }) => name === '[[GeneratorLocation]]')?.value?.value as
    { readonly lineNumber: number; readonly columnNumber?: number } | undefined;
  return location === undefined
    ? undefined
    : { line: location.lineNumber, column: location.columnNumber ?? 0 };
}
