import type { HandleOwner } from './handle';
import type { Origin } from './origin';
import type { ConnectRequest } from './peer';

/** A child process as it was spawned. */
export interface SpawnedCommand {
  readonly file: string;
  readonly args: readonly string[];
  /** Whether it leads a process group of its own, and so survives this process. */
  readonly isDetached: boolean;
}

/** The record of an asynchronous resource: a handle, or a step on the way to one. */
export interface HandleRecord {
  readonly id: number;
  /** Its type in `async_hooks`: `Timeout`, `TCPWRAP`. */
  readonly type: string;
  /** `undefined` for a step. Node.js holds an open handle, too; the records of closed ones are forgotten. */
  readonly resource: object | undefined;
  readonly owner: HandleOwner;
  readonly createdAtMs: number;
  /** The record of the resource whose callback created it. */
  readonly trigger: HandleRecord | undefined;
  /** The number of records before it in its chain. */
  readonly depth: number;
  /** The stack where it was created, captured but not formatted; `undefined` once it has been read. */
  stack: { readonly stack?: unknown } | undefined;
  origin?: Origin;
  /** The request that connects it, which has the address. */
  connect?: ConnectRequest;
  command?: SpawnedCommand;
  /** Set when it was not open: it had closed, or was not complete. */
  wasClosed?: boolean;
}

/** A longer chain loses its middle: a timer that starts itself again would otherwise keep all before it. */
const maxDepth = 16;

/** Returns the record that a resource created by the callback of `record` is linked to. */
export function linkTo(record: HandleRecord | undefined): HandleRecord | undefined {
  if (record === undefined || record.depth < maxDepth) return record;
  let first = record;
  while (first.trigger !== undefined) first = first.trigger;
  return first;
}

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
