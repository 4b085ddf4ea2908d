import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { withTimeout } from '../core/timeout';
import type { ContainerAddresses } from '../engine/container-ports';
import { loadLate } from './load-late';

/** A container on an engine. */
export interface ConnectedTarget {
  readonly id: string;
  /** The engine's address. */
  readonly engine?: string | undefined;
}

const inspectMs = 2_000;
const closeMs = 1_000;

/** The open TCP connections of this process that lead to a container, by a published port or by its own address. */
export async function connectionsTo({ id, engine: address }: ConnectedTarget): Promise<readonly Socket[]> {
  // Most processes have none, and then nothing is asked.
  if (openSockets().length === 0) return [];
  const { connectEngine } = loadLate.connect();
  const { inspectAddresses } = loadLate.containerPorts();
  const [connecting] = await Promise.allSettled([connectEngine(address)]);
  // Its removal reports why the engine cannot be reached.
  if (connecting.status === 'rejected') return [];
  const engine = connecting.value.within({ timeoutMs: inspectMs });
  const reach = await inspectAddresses(engine, id);
  if (reach.meaning !== 'done') return [];
  const isRemote = !engine.address.startsWith('unix:') && !engine.address.startsWith('npipe:');
  return openSockets().filter((socket) => leadsTo(socket, reach.value, isRemote));
}

/** Resolves when these have closed and their listeners have run; after a second at most. */
export async function connectionsClosed(sockets: readonly Socket[]): Promise<void> {
  const open = sockets.filter((socket) => !socket.closed);
  if (open.length === 0) return;
  const closing = Promise.allSettled(open.map((socket) => once(socket, 'close')));
  // A client may keep its side open: its error comes too late for its test then.
  await Promise.allSettled([
    withTimeout(closing, { what: 'wait for connections to close', timeoutMs: closeMs }),
  ]);
  await setImmediate();
}

/** Closes connections whose owners have ended, before their server goes: an error of theirs would end the process. */
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
  const isHere = plain === '::1' || plain.startsWith('127.');
  return hostPorts.includes(remotePort) && (isHere || isRemote);
}
