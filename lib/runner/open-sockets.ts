import type * as Net from 'node:net';
import type { Socket } from 'node:net';
import { watchFunction } from '../capture/watch-function';
import { processWide } from '../core/global-state';
import { coreModule } from '../core/pristine';

/** Remembers new sockets: Node.js lists no unreferenced ones. Idempotent. Returns a function to stop it. */
export function watchSockets(): () => void {
  const state = watched();
  if (state.stop !== undefined) return state.stop;
  const { prototype } = (coreModule('net') as typeof Net).Socket;
  const unwatch = watchFunction(prototype, 'connect', (connect) => {
    const socket = connect();
    if (state.sockets.length >= 100) state.sockets = state.sockets.filter(isOpen);
    state.sockets.push(new WeakRef(socket as Socket));
    return socket;
  });
  return (state.stop = () => {
    unwatch();
    state.stop = undefined;
  });
}

interface WatchedSockets {
  sockets: WeakRef<Socket>[];
  stop?: (() => void) | undefined;
}

const watched = (): WatchedSockets =>
  processWide('connected sockets', (): WatchedSockets => ({ sockets: [] }));

function isOpen(socket: WeakRef<Socket>): boolean {
  return socket.deref()?.destroyed === false;
}

/**
 * Returns the open TCP sockets of this process.
 *
 * @see Node.js, `process._getActiveHandles`: undocumented, without sockets that are unreferenced
 */
export function openSockets(): readonly Socket[] {
  const list: unknown = Reflect.get(process, '_getActiveHandles');
  const handles = typeof list === 'function' ? (Reflect.apply(list, process, []) as readonly unknown[]) : [];
  const connected = watched().sockets.map((socket) => socket.deref());
  return [...new Set([...handles, ...connected])].filter(isOpenSocket);
}

function isOpenSocket(handle: unknown): handle is Socket {
  return (
    typeof handle === 'object' &&
    handle !== null &&
    typeof Reflect.get(handle, 'remotePort') === 'number' &&
    Reflect.get(handle, 'destroyed') === false
  );
}
