import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { withTimeout } from '../core/timeout';
import type { ContainerAddresses } from '../engine/container-ports';
import type { RegistryEntry } from '../registry/entry';
import { loadLate } from './load-late';
import { openSockets } from './open-sockets';

const inspectMs = 2_000;
const closeMs = 1_000;

/** Returns this process's open TCP connections to a container, by a published port or its own address. */
export async function findConnections({
  id,
  engine: address,
}: Pick<RegistryEntry, 'id' | 'engine'>): Promise<readonly Socket[]> {
  // Most processes have no connections, and need no inspection.
  if (id === undefined || openSockets().length === 0) return [];
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

/** Closes connections of finished code: an unhandled `error` after the removal would end the process. */
function dropConnections(sockets: readonly Socket[]): void {
  for (const socket of sockets) {
    socket.removeAllListeners();
    socket.on('error', () => undefined);
    socket.destroy();
  }
}

/** Closes this process's connections to `containers`, whose tests and hooks have all finished. */
export async function dropConnectionsTo(
  containers: readonly Pick<RegistryEntry, 'id' | 'engine'>[],
): Promise<void> {
  const found = containers.map(async (container) => dropConnections(await findConnections(container)));
  await Promise.allSettled(found);
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
