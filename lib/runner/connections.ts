import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { withTimeout } from '../core/timeout';
import type { ContainerAddresses } from '../engine/container-ports';
import { loadLate } from './load-late';

/** A container, and the engine it is on. */
export interface ConnectedTarget {
  readonly id: string;
  /** The engine's address. */
  readonly engine?: string | undefined;
}

const inspectMs = 2_000;
const closeMs = 1_000;

/**
 * Returns this process's open TCP connections to a container, through a published port or its own address.
 */
export async function findConnections({ id, engine: address }: ConnectedTarget): Promise<readonly Socket[]> {
  // Most processes have no connections, and need no inspection.
  if (openSockets().length === 0) return [];
  const { connectEngine } = loadLate.connect();
  const { inspectAddresses } = loadLate.containerPorts();
  const [connecting] = await Promise.allSettled([connectEngine(address)]);
  // The removal reports an unreachable engine.
  if (connecting.status === 'rejected') return [];
  const engine = connecting.value.within({ timeoutMs: inspectMs });
  const reach = await inspectAddresses(engine, id);
  if (reach.meaning !== 'done') return [];
  const isRemote = !engine.address.startsWith('unix:') && !engine.address.startsWith('npipe:');
  return openSockets().filter((socket) => leadsTo(socket, reach.value, isRemote));
}

/** Resolves when `sockets` have closed and their listeners have run, or after 1 s. */
export async function waitUntilClosed(sockets: readonly Socket[]): Promise<void> {
  const open = sockets.filter((socket) => !socket.closed);
  if (open.length === 0) return;
  const closing = Promise.allSettled(open.map((socket) => once(socket, 'close')));
  // DEADLINE_EXCEEDED: a client keeps its side open. Its error comes too late to fail its own test.
  await Promise.allSettled([
    withTimeout(closing, { what: 'wait for connections to close', timeoutMs: closeMs }),
  ]);
  await setImmediate();
}

/**
 * Closes connections of finished code before their server is removed: an unhandled `error` event would end
 * the process.
 */
export function dropConnections(sockets: readonly Socket[]): void {
  for (const socket of sockets) {
    socket.removeAllListeners();
    socket.on('error', () => undefined);
    socket.destroy();
  }
}

/** @see Node.js, `process._getActiveHandles`: undocumented, and the only list of sockets */
function openSockets(): readonly Socket[] {
  const list: unknown = Reflect.get(process, '_getActiveHandles');
  if (typeof list !== 'function') return [];
  const handles = Reflect.apply(list, process, []) as readonly unknown[];
  return handles.filter(isOpenSocket);
}

function isOpenSocket(handle: unknown): handle is Socket {
  return (
    typeof handle === 'object' &&
    handle !== null &&
    typeof Reflect.get(handle, 'remotePort') === 'number' &&
    Reflect.get(handle, 'destroyed') === false
  );
}

function leadsTo(
  { remoteAddress = '', remotePort = 0 }: Socket,
  { hostPorts, addresses }: ContainerAddresses,
  isRemote: boolean,
): boolean {
  const plain = remoteAddress.replace(/^::ffff:/, '');
  if (addresses.includes(plain)) return true;
  const isLocal = plain === '::1' || plain.startsWith('127.');
  return hostPorts.includes(remotePort) && (isLocal || isRemote);
}
