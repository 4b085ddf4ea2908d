import { TaskResource } from '../scope/task-resource';
import type { HandleRecord } from './handle-record';
import { inputType } from './standard-input';

/** What is read of a timer or an immediate. @see Node.js, lib/internal/timers.js */
export interface TimerResource {
  readonly _destroyed?: boolean;
  readonly _repeat?: number | null;
  readonly _idleTimeout?: number;
}

/** What is read of a handle of libuv. @see Node.js, src/handle_wrap.cc: `hasRef` is false once it has closed */
export interface NativeHandle {
  readonly hasRef?: () => boolean;
  readonly fd?: number;
  readonly reading?: boolean;
}

type IsOpen = (resource: object, record: HandleRecord) => boolean;

const holdsProcess: IsOpen = (resource) => (resource as NativeHandle).hasRef?.() === true;

const isPending: IsOpen = (resource, record) => {
  const { _destroyed: isDestroyed } = resource as TimerResource;
  return isDestroyed !== true && holdsProcess(resource, record);
};

/** Node.js opens them for standard input, output and error when they are first used. */
const isNoStandardStream: IsOpen = (resource, record) =>
  holdsProcess(resource, record) && ((resource as NativeHandle).fd ?? 3) > 2;

/** By type of `async_hooks`, whether a resource is open and holds the process, or would outlive it. */
const openTests: Readonly<Record<string, IsOpen>> = {
  Timeout: isPending,
  Immediate: isPending,
  TCPWRAP: holdsProcess,
  TCPSERVERWRAP: holdsProcess,
  PIPEWRAP: isNoStandardStream,
  PIPESERVERWRAP: holdsProcess,
  TTYWRAP: isNoStandardStream,
  UDPWRAP: holdsProcess,
  PROCESSWRAP: (resource, record) =>
    holdsProcess(resource, record) || (record.command?.isDetached === true && isRunning(resource)),
  FSEVENTWRAP: holdsProcess,
  STATWATCHER: holdsProcess,
  WORKER: holdsProcess,
  MESSAGEPORT: holdsProcess,
  [TaskResource.type]: (resource) => (resource as TaskResource).task.record.endedAt === undefined,
  [inputType]: (stream) => {
    const handle = Reflect.get(stream, '_handle') as NativeHandle | null | undefined;
    return handle?.reading === true && handle.hasRef?.() === true;
  },
};

/** Returns whether resources of that type are handles; those of others only lead to handles. */
export function isHandleType(type: string): boolean {
  return Object.hasOwn(openTests, type);
}

/** Returns whether a recorded handle is open, and holds the process or would outlive it. */
export function isHandleOpen(record: HandleRecord): boolean {
  const { resource } = record;
  return resource !== undefined && openTests[record.type]?.(resource, record) === true;
}

/**
 * Returns the JavaScript object of a native handle: its socket, server or child process.
 *
 * @see Node.js, lib/internal/async_hooks.js: `owner_symbol`
 */
export function objectOf(handle: object): object | undefined {
  const key = Object.getOwnPropertySymbols(handle).find(({ description }) => description === 'owner_symbol');
  const owner: unknown = key === undefined ? undefined : Reflect.get(handle, key);
  return typeof owner === 'object' && owner !== null ? owner : undefined;
}

/** Returns the handle of the connection below TLS. @see Node.js, lib/internal/tls/wrap.js: `_parent` */
export function belowTls(handle: object): object {
  const { _parent: parent } = handle as { readonly _parent?: object | null };
  return parent ?? handle;
}

/** A child process whose exit has not been seen. @see Node.js, lib/internal/child_process.js: `_handle` */
function isRunning(handle: object): boolean {
  const child = objectOf(handle);
  return (
    child !== undefined && Reflect.get(child, '_handle') === handle && Reflect.get(child, 'pid') !== undefined
  );
}
