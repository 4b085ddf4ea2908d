import { executionAsyncId } from 'node:async_hooks';
import { interceptSpawns } from '../commands/intercept-spawns';
import { linkTo, type HandleRecord } from './handle-record';
import type { HandleOwner } from './handle';
import { hookResources } from './hook-resources';
import { belowTls, isHandleOpen, isHandleType } from './is-open';
import { inputReadBy, inputType, watchInput } from './standard-input';
import { watchFetches } from './watch-fetches';

/** The records of what this process opens. */
export interface HandleRecords {
  /** Returns the records of handles that are open now, and forgets the others. */
  listOpen(): readonly HandleRecord[];
  /** Forgets the steps, which hold objects of the code that took them. */
  forgetSteps(): void;
  stop(): void;
}

/** Types that are frequent and lead to no handle, or whose own stack has nothing that others lack. */
const ignored = new Set([
  'PROMISE',
  'WRITEWRAP',
  'SHUTDOWNWRAP',
  'HTTPINCOMINGMESSAGE',
  'STREAM_END_OF_STREAM',
  'ZLIB',
]);

/**
 * Ticks are frequent, and created near the user's line. A package that starts a timer as it loads is 15 frames
 * from the user's `require`; a socket of `fetch`, 30.
 */
const maxFrames: Readonly<Record<string, number>> = {
  TickObject: 12,
  Microtask: 12,
  Timeout: 30,
  Immediate: 30,
};
const maxFramesOfOthers = 50;
/** So frequent that they have a stack only where no resource led to them. */
const tickTypes = new Set(['TickObject', 'Microtask']);

/** Connections that serve one request after another. */
const connectionTypes = new Set(['TCPWRAP', 'PIPEWRAP', 'TLSWRAP']);

/** Steps on the way to a handle, such as a lookup, are short-lived: the oldest are forgotten. */
const maxSteps = 512;
const sweepAfter = 256;

/**
 * Records every handle, and every step on the way to one, that code with an owner creates. Creates no
 * asynchronous resource itself.
 *
 * @param ownerOf - Returns the owner of the running code.
 */
export function recordHandles(ownerOf: () => HandleOwner | undefined): HandleRecords {
  const handles = new Map<number, HandleRecord>();
  const steps = new Map<number, HandleRecord>();
  /** Their ids; the oldest is at `nextStep` once it is full. */
  const stepIds: number[] = [];
  let nextStep = 0;
  /** The last record of each connection: that of the request that uses it. */
  const connections = new WeakMap<object, HandleRecord>();
  let sweepAt = sweepAfter;
  /** Node's own ids are positive. */
  let lastUse = 0;
  /** The process being spawned; its pipes follow it. */
  let spawning: { readonly child: HandleRecord; lastId: number } | undefined;

  const record = (id: number, type: string, triggerId: number, resource: object, until: Until): void => {
    const owner = ownerOf() ?? serverOf(type, triggerId)?.owner;
    if (owner === undefined) return connectionTypes.has(type) ? endUse(resource) : undefined;
    const trigger =
      type === 'PIPEWRAP' && spawning?.lastId === id - 1
        ? spawning.child
        : linkTo(handles.get(triggerId) ?? steps.get(triggerId));
    const input = inputReadBy(type, resource);
    // It was not read until now: earlier readers have ended.
    if (input !== undefined) forget((handle) => handle.type === inputType);
    const added: HandleRecord = {
      id,
      type: input === undefined ? type : inputType,
      resource: isHandleType(type) ? resource : input,
      owner,
      createdAtMs: Date.now(),
      trigger,
      depth: trigger === undefined ? 0 : trigger.depth + 1,
      stack:
        trigger !== undefined && input === undefined && tickTypes.has(type)
          ? undefined
          : captureStack((input === undefined && maxFrames[type]) || maxFramesOfOthers, until),
    };
    if (type === 'PROCESSWRAP') spawning = { child: added, lastId: id };
    else if (spawning !== undefined && type === 'PIPEWRAP') spawning.lastId = id;
    if (type === 'TCPCONNECTWRAP' || type === 'PIPECONNECTWRAP') {
      const connecting = handles.get(triggerId);
      if (connecting !== undefined) connecting.connect = resource;
    }
    if (added.resource !== undefined) {
      if (connectionTypes.has(type)) replaceUse(added);
      handles.set(id, added);
      if (handles.size >= sweepAt) forget(isClosedAgain);
    } else {
      steps.delete(stepIds[nextStep] ?? id);
      stepIds[nextStep] = id;
      nextStep = (nextStep + 1) % maxSteps;
      steps.set(id, added);
    }
  };

  /** Forgets the record of the request that used a connection before. */
  const replaceUse = (added: HandleRecord): void => {
    const { resource = added } = added;
    const earlier = connections.get(resource);
    connections.set(resource, added);
    if (earlier === undefined) return;
    handles.delete(earlier.id);
    if (earlier.connect !== undefined) added.connect = earlier.connect;
  };

  /** Code without an owner uses the connection now. */
  const endUse = (connection: object): void => {
    const earlier = connections.get(connection);
    if (earlier === undefined) return;
    connections.delete(connection);
    handles.delete(earlier.id);
  };

  /** A connection that a server accepts is created outside of any context. */
  const serverOf = (type: string, triggerId: number): HandleRecord | undefined => {
    if (type !== 'TCPWRAP' && type !== 'PIPEWRAP') return undefined;
    const trigger = handles.get(triggerId);
    return trigger?.type.endsWith('SERVERWRAP') === true ? trigger : undefined;
  };

  const forget = (isForgotten: (handle: HandleRecord) => boolean): void => {
    // For 10 000 handles, a loop over pairs takes twice as long.
    handles.forEach((handle, id) => {
      if (isForgotten(handle)) handles.delete(id);
    });
    sweepAt = Math.max(sweepAfter, handles.size * 2);
  };

  function init(id: number, type: string, triggerId: number, resource: object): void {
    if (ignored.has(type)) return;
    const reused = connectionTypes.has(type) ? reusedHandle(resource) : undefined;
    if (reused === undefined && type === 'TLSWRAP') return;
    tryRecord(id, type === 'TLSWRAP' ? 'TCPWRAP' : type, triggerId, reused ?? resource, init);
  }
  const tryRecord: typeof record = (...args) => {
    try {
      record(...args);
    } catch {
      // RangeError: the user's recursion has used up the stack. An error here would end the process.
    }
  };
  /** Records the use of an object that Node.js does not report. */
  const recordUse = (type: string, object: object, until: Until): void =>
    tryRecord((lastUse -= 1), type, executionAsyncId(), object, until);
  /** A stack holds the functions of its frames, and what they close over. A reader of standard input reads again. */
  const destroy = (id: number): void => {
    steps.delete(id);
    if (handles.get(id)?.type !== inputType) handles.delete(id);
  };
  const hook = hookResources(init, destroy).enable();
  const stopSpawns = interceptSpawns((options, child) => {
    const { file, args = [] } = options;
    // A child without an owner has no record.
    if (spawning === undefined || spawning.child.resource !== Reflect.get(child, '_handle')) return;
    const isDetached = Reflect.get(options, 'detached') === true;
    spawning.child.command = { file: String(file), args: [...args], isDetached };
  });
  const stopInput = watchInput({
    onRead: (stream) => recordUse(inputType, stream, recordUse),
    onPause() {
      const owner = ownerOf();
      forget((handle) => handle.type === inputType && handle.owner === owner);
    },
  });
  const stopFetches = watchFetches(
    (request, until) => {
      recordUse('FETCH', request, until);
      return steps.get(lastUse);
    },
    (sent, handle) => {
      if (sent === undefined) return endUse(handle);
      const earlier = connections.get(handle);
      // With the id of the connection, which leads from what its callbacks open to the request.
      const { id, type = 'TCPWRAP', connect } = earlier ?? { id: (lastUse -= 1) };
      const added = { ...sent, id, type, resource: handle, ...(connect && { connect }) };
      connections.set(handle, added);
      handles.set(id, added);
    },
  );
  return {
    listOpen() {
      forget((handle) => !isHandleOpen(handle));
      return [...handles.values()];
    },
    forgetSteps: () => steps.clear(),
    stop() {
      hook.disable();
      stopSpawns();
      stopInput();
      stopFetches();
      handles.clear();
      steps.clear();
    },
  };
}

/** `init` runs before a resource is complete, and so before it counts as open: the second sweep forgets it. */
function isClosedAgain(handle: HandleRecord): boolean {
  if (isHandleOpen(handle)) return false;
  const { wasClosed = false } = handle;
  handle.wasClosed = true;
  return wasClosed;
}

/** A function whose frame, and those above it, a stack leaves out. */
type Until = (...args: never) => void;

/** Captures the stack below `until` without formatting it. The user's `stackTraceLimit` does not limit it. */
function captureStack(depth: number, until: Until): { readonly stack?: unknown } {
  const { stackTraceLimit } = Error;
  const holder = {};
  Error.stackTraceLimit = depth;
  try {
    Error.captureStackTrace(holder, until);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
  return holder;
}

/** Returns the handle of a connection that another request uses. @see Node.js, lib/_http_agent.js: `ReusedHandle` */
function reusedHandle(resource: object): object | undefined {
  const { handle } = resource as { readonly handle?: object };
  return handle && belowTls(handle);
}
