import { TaskResource } from '../scope/task-resource';
import type { Handle, HandleOwner } from './handle';
import { describeHandle, type Description } from './describe-handle';
import { originOf, type HandleRecord } from './handle-record';
import { objectOf, type TimerResource } from './is-open';
import { originReader, type Origin } from './origin';
import type { NamePeer, OpenSocket } from './peer';
import { inputType } from './standard-input';

/** How open handles are described. */
export interface HandleDescriber {
  readonly userLineIn: (stack: string) => string | undefined;
  readonly namePeer?: NamePeer | undefined;
  /** Returns the record of an HTTP request, which may be younger than its connection. */
  readonly findRequest: (request: object) => HandleRecord | undefined;
}

/** An open handle with its owner. */
export interface DescribedHandle extends Description {
  readonly owner: HandleOwner;
  readonly source: string | undefined;
  readonly createdAtMs: number;
}

/**
 * Formatting a stack takes 10 µs. Beyond this number, handles of one owner, type and delay count as opened by
 * the line of the last one that was formatted.
 */
const maxOrigins = 300;

/** Describes the open handles of the user, without those that another of them explains. */
export function describeOpen(
  records: readonly HandleRecord[],
  { userLineIn, namePeer, findRequest }: HandleDescriber,
): readonly DescribedHandle[] {
  const readStack = originReader(userLineIn);
  const last = new Map<string, Origin>();
  let budget = maxOrigins;
  return withoutExplained(records).flatMap((record) => {
    const { owner, createdAtMs } = record;
    const key = `${record.type} ${delayOf(record)} ${owner.scope} ${owner.test}`;
    const similar = budget > 0 || record.origin !== undefined ? undefined : last.get(key);
    if (similar === undefined && record.origin === undefined) budget -= 1;
    const { _httpMessage: request } = socketOf(record) ?? {};
    const requested = request && findRequest(request);
    const requestOrigin = requested && originOf(requested, readStack);
    const own = similar ?? originOf(record, readStack);
    const origin = requestOrigin?.line === undefined ? own : requestOrigin;
    last.set(key, origin);
    if (!isOfUser(record, origin)) return [];
    const description = describeHandle(record, origin, namePeer);
    if (description === undefined) return [];
    return [{ ...description, owner, createdAtMs, source: origin.line ?? owner.source }];
  });
}

/** Groups handles of one kind, line and owner, in the order in which they were opened. */
export function groupHandles(open: readonly DescribedHandle[]): readonly Handle[] {
  const groups = new Map<string, Group>();
  let last: Group | undefined;
  for (const handle of open) {
    // Mostly one line has opened many: a comparison is cheaper than a key.
    if (last !== undefined && isOfGroup(handle, last.first)) {
      last.count += 1;
      continue;
    }
    const key = [handle.kind, lineOf(handle), handle.owner.scope, handle.owner.test].join('\n');
    last = groups.get(key) ?? { first: handle, count: 0 };
    last.count += 1;
    groups.set(key, last);
  }
  return [...groups.values()].map(({ first, count }) => ({
    kind: first.kind,
    what: first.what,
    source: first.source,
    scope: first.owner.scope,
    test: first.owner.test,
    createdAt: new Date(first.createdAtMs).toISOString(),
    count,
  }));
}

interface Group {
  readonly first: DescribedHandle;
  count: number;
}

function isOfGroup(one: DescribedHandle, other: DescribedHandle): boolean {
  if (one.kind !== other.kind || lineOf(one) !== lineOf(other)) return false;
  return one.owner.scope === other.owner.scope && one.owner.test === other.owner.test;
}

/** Without a line, only the description distinguishes two handles. */
function lineOf({ source, what }: DescribedHandle): string {
  return source ?? what;
}

/** castoff's own handles end with it, and a test runner's with the run; tasks and commands of a scope are the user's. */
function isOfUser({ type, command }: HandleRecord, { madeBy, line, through }: Origin): boolean {
  // A worker's ports belong to the worker.
  if (type === 'MESSAGEPORT' && through === 'Worker') return false;
  if (type === TaskResource.type) return true;
  if (madeBy === 'castoff') return type === 'PROCESSWRAP' && line !== undefined && command !== undefined;
  return madeBy === 'user';
}

/** Leaves out handles whose cause is in the list: pipes of children, and the far ends of connections. */
function withoutExplained(records: readonly HandleRecord[]): readonly HandleRecord[] {
  const children = new Set(records.filter(({ type }) => type === 'PROCESSWRAP'));
  const clientEnds = new Set(
    records.map((record) => {
      const socket = socketOf(record);
      return socket?.server == null ? (socket?.localPort ?? pathOf(record)) : undefined;
    }),
  );
  const seen = new Set<object>();
  const isFirst = (cause: object | undefined): boolean => {
    if (cause === undefined || seen.has(cause)) return false;
    seen.add(cause);
    return true;
  };
  return records.filter((record) => {
    const { trigger } = record;
    if (record.type === 'PIPEWRAP' && trigger?.type === 'PROCESSWRAP')
      return !children.has(trigger) && isFirst(trigger);
    if (record.type === inputType) return isFirst(record.resource);
    const socket = socketOf(record);
    if (socket?.server == null) return true;
    const { listening: isServerOpen, _pipeName: path } = socket.server;
    if (isServerOpen) return false;
    const clientEnd = socket.remotePort ?? path;
    return clientEnd === undefined || !clientEnds.has(clientEnd);
  });
}

function socketOf({ type, resource }: HandleRecord): OpenSocket | undefined {
  if (type !== 'TCPWRAP' && type !== 'PIPEWRAP') return undefined;
  return resource && objectOf(resource);
}

/** The path that a local socket connects to. */
function pathOf({ type, connect }: HandleRecord): string | undefined {
  return type === 'PIPEWRAP' ? connect?.address : undefined;
}

function delayOf({ type, resource }: HandleRecord): number | undefined {
  if (type !== 'Timeout') return undefined;
  const { _idleTimeout: delayMs } = (resource ?? {}) as TimerResource;
  return delayMs;
}
