import type { Handle, HandleOwner } from './handle';
import { describeHandle, type Description, type NamePeer } from './describe-handle';
import { originOf, type HandleRecord } from './handle-record';
import { objectOf, type TimerResource } from './is-open';
import type { Origin } from './origin';
import type { OpenSocket } from './peer';
import { inputType } from './standard-input';

/** How open handles are described. */
export interface HandleDescriber {
  readonly userLineIn: (stack: string) => string | undefined;
  readonly namePeer?: NamePeer | undefined;
}

/** An open handle with its owner. */
export interface OpenHandle extends Description {
  readonly owner: HandleOwner;
  readonly source: string | undefined;
  readonly createdAtMs: number;
}

/**
 * Formatting a stack takes 10 µs. Beyond this number, handles of one owner, type and delay count as opened by
 * the line of the last one that was formatted.
 */
const maxOrigins = 1_000;

/** Describes the open handles of the user, without those that another of them explains. */
export function describeOpen(
  records: readonly HandleRecord[],
  { userLineIn, namePeer }: HandleDescriber,
): readonly OpenHandle[] {
  const last = new Map<string, Origin>();
  let budget = maxOrigins;
  return withoutExplained(records).flatMap((record) => {
    const key = `${record.type} ${delayOf(record)} ${record.owner.scope} ${record.owner.test}`;
    const similar = budget > 0 || record.origin !== undefined ? undefined : last.get(key);
    if (similar === undefined) budget -= 1;
    const origin = similar ?? originOf(record, userLineIn);
    last.set(key, origin);
    if (!isOfUser(record, origin)) return [];
    const description = describeHandle(record, origin, namePeer);
    if (description === undefined) return [];
    const { owner, createdAtMs } = record;
    return [{ ...description, owner, createdAtMs, source: origin.line ?? owner.source }];
  });
}

/** Groups handles of one kind, line and owner; the oldest first. */
export function groupHandles(open: readonly OpenHandle[]): readonly Handle[] {
  const groups = new Map<string, { readonly first: OpenHandle; count: number }>();
  for (const handle of open.toSorted((a, b) => a.createdAtMs - b.createdAtMs)) {
    const { kind, what, source, owner } = handle;
    // Without a line, the description is all that tells two handles apart.
    const key = JSON.stringify([kind, source ?? what, owner.scope, owner.test]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { first: handle, count: 1 });
    else group.count += 1;
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

/** castoff's own handles end with it, and a test runner's with the run; commands of a scope are the user's. */
function isOfUser({ type, command }: HandleRecord, { madeBy, line, through }: Origin): boolean {
  // A worker's ports belong to the worker.
  if (type === 'MESSAGEPORT' && through === 'Worker') return false;
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
  const servers = new Set(
    records.flatMap(({ type, resource }) =>
      type.endsWith('SERVERWRAP') ? [objectOf(resource.deref() ?? {})] : [],
    ),
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
    if (record.type === inputType) return isFirst(record.resource.deref());
    const socket = socketOf(record);
    if (socket?.server == null) return true;
    if (servers.has(socket.server)) return false;
    const { _pipeName: path } = socket.server;
    const clientEnd = socket.remotePort ?? path;
    return clientEnd === undefined || !clientEnds.has(clientEnd);
  });
}

function socketOf({ type, resource }: HandleRecord): OpenSocket | undefined {
  if (type !== 'TCPWRAP' && type !== 'PIPEWRAP') return undefined;
  const handle = resource.deref();
  return handle && objectOf(handle);
}

/** The path that a local socket connects to. */
function pathOf({ type, connect }: HandleRecord): string | undefined {
  return type === 'PIPEWRAP' ? connect?.address : undefined;
}

function delayOf({ type, resource }: HandleRecord): number | undefined {
  if (type !== 'Timeout') return undefined;
  const { _idleTimeout: delayMs } = (resource.deref() ?? {}) as TimerResource;
  return delayMs;
}
