import { createHook } from 'node:async_hooks';
import { interceptSpawns } from '../commands/intercept-spawns';
import { linkTo, type HandleRecord } from './handle-record';
import type { HandleOwner } from './handle';
import { isHandleType, isHandleOpen } from './is-open';
import { inputReadBy, inputType } from './standard-input';

/** The records of what this process opens. */
export interface HandleRecords {
  /** Returns the records of handles that are open now, and forgets the others. */
  listOpen(): readonly HandleRecord[];
  /** Returns the record of an HTTP request. */
  findRequest(request: object): HandleRecord | undefined;
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
  'TLSWRAP',
]);

/** Timers and ticks are frequent, and created near the user's line; a `fetch` is 30 frames from its socket. */
const frames = { short: 12, long: 50 };
const shortTypes = new Set(['Timeout', 'Immediate', 'TickObject', 'Microtask']);
/** So frequent that they have a stack only where no resource led to them. */
const tickTypes = new Set(['TickObject', 'Microtask']);

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
  const requests = new WeakMap<object, HandleRecord>();
  let sweepAt = sweepAfter;
  /** The process being spawned; its pipes follow it. */
  let spawning: { readonly child: HandleRecord; lastId: number } | undefined;

  const record = (id: number, type: string, triggerId: number, resource: object): void => {
    const owner = ownerOf() ?? serverOf(type, triggerId)?.owner;
    if (owner === undefined) return;
    const trigger =
      type === 'PIPEWRAP' && spawning?.lastId === id - 1
        ? spawning.child
        : linkTo(handles.get(triggerId) ?? steps.get(triggerId));
    const input = inputReadBy(type, resource);
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
          : captureStack(shortTypes.has(type) ? frames.short : frames.long, init),
    };
    if (type === 'PROCESSWRAP') spawning = { child: added, lastId: id };
    else if (spawning !== undefined && type === 'PIPEWRAP') spawning.lastId = id;
    if (type === 'TCPCONNECTWRAP' || type === 'PIPECONNECTWRAP') {
      const connecting = handles.get(triggerId);
      if (connecting !== undefined) connecting.connect = resource;
    }
    const request: unknown = type === 'HTTPCLIENTREQUEST' ? Reflect.get(resource, 'req') : undefined;
    if (typeof request === 'object' && request !== null) requests.set(request, added);
    if (added.resource !== undefined) {
      handles.set(id, added);
      if (handles.size >= sweepAt) forget(isClosedAgain);
    } else {
      steps.delete(stepIds[nextStep] ?? id);
      stepIds[nextStep] = id;
      nextStep = (nextStep + 1) % maxSteps;
      steps.set(id, added);
    }
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
    try {
      record(id, type, triggerId, resource);
    } catch {
      // RangeError: the user's recursion has used up the stack. An error here would end the process.
    }
  }
  // Node.js 22 does not know `trackPromises`, and reports promises too.
  const hook = createHook(Object.assign({ init }, { trackPromises: false })).enable();
  const stopSpawns = interceptSpawns((options, child) => {
    const { file, args = [] } = options;
    // A child without an owner has no record.
    if (spawning === undefined || spawning.child.resource !== Reflect.get(child, '_handle')) return;
    const isDetached = Reflect.get(options, 'detached') === true;
    spawning.child.command = { file: String(file), args: [...args], isDetached };
  });
  return {
    listOpen() {
      forget((handle) => !isHandleOpen(handle));
      return [...handles.values()];
    },
    findRequest: (request) => requests.get(request),
    forgetSteps: () => steps.clear(),
    stop() {
      hook.disable();
      stopSpawns();
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

/** Captures the stack below `until` without formatting it. The user's `stackTraceLimit` does not limit it. */
function captureStack(depth: number, until: (...args: never) => void): { readonly stack?: unknown } {
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
