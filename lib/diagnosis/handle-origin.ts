import type { HandleRecord } from './handle-record';
import type { Origin } from './origin';

/** Returns the origin that a stack shows. */
export type ReadStack = (stack: string) => Origin;

/**
 * Returns the user's line of a record, and the code that created it: from its own stack, or else from those
 * of the resources that led to it.
 */
export function originOf(record: HandleRecord, readStack: ReadStack): Origin {
  // A pipe of a child process is opened with it.
  if (record.type === 'PIPEWRAP' && record.trigger?.type === 'PROCESSWRAP')
    return (record.origin ??= originOf(record.trigger, readStack));
  const own = ownOrigin(record, readStack);
  if (own.line !== undefined || own.madeBy !== 'user') return own;
  for (let from = record.trigger; from !== undefined; from = from.trigger) {
    const { line, madeBy } = ownOrigin(from, readStack);
    if (line !== undefined || madeBy !== 'user') return (record.origin = { ...own, line, madeBy });
  }
  return own;
}

/** Lets go of the objects of a record and of those that led to it: unread, a stack holds the `this` of its calls. */
export function releaseStacks(record: HandleRecord, readStack: ReadStack): void {
  for (let one: HandleRecord | undefined = record; one !== undefined; one = one.trigger)
    ownOrigin(one, readStack);
}

function ownOrigin(record: HandleRecord, readStack: ReadStack): Origin {
  if (record.origin !== undefined) return record.origin;
  const { stack } = record;
  record.stack = undefined;
  try {
    const text = stack?.stack;
    // A custom `prepareStackTrace` may return another type.
    record.origin = readStack(typeof text === 'string' ? text : '');
  } catch {
    // It may also throw, and there is no line without a working directory (ENOENT).
    record.origin = { line: undefined, madeBy: 'user' };
  }
  return record.origin;
}
