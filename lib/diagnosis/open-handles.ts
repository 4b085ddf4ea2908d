import { TaskResource } from '../scope/task-resource';
import type { Handle } from './handle';
import { describeHandle } from './describe-handle';
import { originOf, releaseStacks } from './handle-origin';
import type { HandleRecord } from './handle-record';
import { objectOf, type TimerResource } from './is-open';
import { originReader, type Origin } from './origin';
import type { NamePeer, OpenSocket } from './peer';
import { inputType } from './standard-input';

/** How open handles are described. */
export interface HandleDescriber {
  readonly userLineIn: (stack: string) => string | undefined;
  readonly namePeer?: NamePeer | undefined;
}

/**
 * Formatting a stack takes 10 µs. Beyond this number, handles of one owner, type and delay count as opened by
 * the line of the last one that was formatted.
 */
const maxOrigins = 300;

/**
 * Describes the open handles of the user, without those that another of them explains. Groups those of one kind,
 * line and owner, in the order in which they were opened.
 */
export function describeOpen(
  records: readonly HandleRecord[],
  { userLineIn, namePeer }: HandleDescriber,
): readonly Handle[] {
  const readStack = originReader(userLineIn);
  const explained = findExplained(records);
  const origins = new Map<string, Origin>();
  const groups = new Map<string, Group>();
  let budget = maxOrigins;
  let before: { record: HandleRecord; key: string; origin: Origin; group: Group | undefined } | undefined;
  for (const record of records) {
    if (explained.has(record)) continue;
    // Mostly one line has opened many timers: a comparison is cheaper than a key.
    const like = before !== undefined && isSameTimer(record, before.record) ? before : undefined;
    const key = like?.key ?? keyOf(record);
    const similar = budget > 0 || record.origin !== undefined ? undefined : origins.get(key);
    if (similar === undefined && record.origin === undefined) budget -= 1;
    const origin = similar ?? originOf(record, readStack);
    if (like?.origin !== origin) {
      origins.set(key, origin);
      before = { record, key, origin, group: findGroup(groups, record, origin, namePeer) };
    }
    if (before?.group !== undefined) before.group.count += 1;
  }
  return [...groups.values()];
}

/** Lets go of the objects that unread stacks of handles hold. */
export function releaseAll(
  records: readonly HandleRecord[],
  userLineIn: (stack: string) => string | undefined,
): void {
  const readStack = originReader(userLineIn);
  for (const record of records) releaseStacks(record, readStack);
}

type Group = Omit<Handle, 'count'> & { count: number };

/** Returns the group of a handle, which it adds to `groups`; `undefined` for a handle that is not the user's. */
function findGroup(
  groups: Map<string, Group>,
  record: HandleRecord,
  origin: Origin,
  namePeer: NamePeer | undefined,
): Group | undefined {
  const description = isOfUser(record, origin) ? describeHandle(record, origin, namePeer) : undefined;
  if (description === undefined) return undefined;
  const { kind, what } = description;
  const { scope, test, source: approximate } = record.owner;
  const source = origin.line ?? approximate;
  // Without a line, only the description distinguishes two handles.
  const key = [kind, source ?? what, scope, test].join('\n');
  const createdAt = new Date(record.createdAtMs).toISOString();
  const group = groups.get(key) ?? { kind, what, source, scope, test, createdAt, count: 0 };
  groups.set(key, group);
  return group;
}

/** castoff's own handles end with it, and a test runner's with the run; tasks and commands of a scope are the user's. */
function isOfUser({ type, command }: HandleRecord, { madeBy, line, through }: Origin): boolean {
  // A worker's ports belong to the worker.
  if (type === 'MESSAGEPORT' && through === 'Worker') return false;
  if (type === TaskResource.type) return true;
  if (madeBy === 'castoff') return type === 'PROCESSWRAP' && line !== undefined && command !== undefined;
  return madeBy === 'user';
}

/** Finds the handles whose cause is among them: pipes of children, and the far ends of connections. */
function findExplained(all: readonly HandleRecord[]): ReadonlySet<HandleRecord> {
  const records = all.filter(({ type }) => explainedTypes.has(type));
  const children = new Set(records.filter(({ type }) => type === 'PROCESSWRAP'));
  const clientEnds = new Set(
    records.map((record) => {
      const socket = socketOf(record);
      return socket?.server == null ? (socket?.localPort ?? pathOf(record)) : undefined;
    }),
  );
  const seen = new Set<object>();
  const isRepeated = (cause: object | undefined): boolean => {
    if (cause === undefined || seen.has(cause)) return true;
    seen.add(cause);
    return false;
  };
  const isExplained = (record: HandleRecord): boolean => {
    const { trigger } = record;
    if (record.type === 'PIPEWRAP' && trigger?.type === 'PROCESSWRAP')
      return children.has(trigger) || isRepeated(trigger);
    if (record.type === inputType) return isRepeated(record.resource);
    const socket = socketOf(record);
    if (socket?.server == null) return false;
    const { listening: isServerOpen, _pipeName: path } = socket.server;
    if (isServerOpen) return true;
    const clientEnd = socket.remotePort ?? path;
    return clientEnd !== undefined && clientEnds.has(clientEnd);
  };
  return new Set(records.filter(isExplained));
}

const explainedTypes: ReadonlySet<string> = new Set(['PIPEWRAP', 'PROCESSWRAP', 'TCPWRAP', inputType]);

function socketOf({ type, resource }: HandleRecord): OpenSocket | undefined {
  if (type !== 'TCPWRAP' && type !== 'PIPEWRAP') return undefined;
  return resource && objectOf(resource);
}

/** The path that a local socket connects to. */
function pathOf({ type, connect }: HandleRecord): string | undefined {
  return type === 'PIPEWRAP' ? connect?.address : undefined;
}

/** Handles of one key mostly have the same origin. */
function keyOf(record: HandleRecord): string {
  const { owner, type } = record;
  return `${type} ${delayOf(record)} ${owner.scope} ${owner.test}`;
}

/** Returns whether two records are timers that differ in nothing but their origin: mostly one line has opened many. */
function isSameTimer(one: HandleRecord, other: HandleRecord): boolean {
  if (one.type !== other.type || one.owner !== other.owner) return false;
  if (one.type === 'Immediate') return true;
  if (one.type !== 'Timeout') return false;
  const { _repeat: ownRepeat, _idleTimeout: ownDelay } = (one.resource ?? {}) as TimerResource;
  const { _repeat: repeat, _idleTimeout: delay } = (other.resource ?? {}) as TimerResource;
  return ownDelay === delay && ownRepeat === repeat;
}

function delayOf({ type, resource }: HandleRecord): number | undefined {
  if (type !== 'Timeout') return undefined;
  const { _idleTimeout: delayMs } = (resource ?? {}) as TimerResource;
  return delayMs;
}
