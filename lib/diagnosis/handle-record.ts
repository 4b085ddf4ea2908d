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
