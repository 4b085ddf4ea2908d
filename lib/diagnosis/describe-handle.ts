import type { Socket as UdpSocket } from 'node:dgram';
import type { Server } from 'node:net';
import { basename } from 'node:path';
import { cutText } from '../core/cut-text';
import { formatDuration } from '../core/durations';
import { TaskResource } from '../scope/task-resource';
import type { HandleKind } from './handle';
import type { HandleRecord, SpawnedCommand } from './handle-record';
import { objectOf, type TimerResource } from './is-open';
import type { Origin } from './origin';
import { engineStreamOf, formatAddress, formatPeer, peerOf, type NamePeer, type OpenSocket } from './peer';
import { inputType } from './standard-input';

/** A handle's kind, and its description for people. */
export interface Description {
  readonly kind: HandleKind;
  readonly what: string;
}

type Describe = (
  resource: object,
  record: HandleRecord,
  origin: Origin,
  namePeer: NamePeer | undefined,
) => Description;

const describeServer: Describe = (resource) => {
  const server = objectOf(resource) as Server | undefined;
  const address = server?.address();
  if (typeof address === 'string') return { kind: 'server', what: `server listening on ${address}` };
  if (address == null) return { kind: 'server', what: 'server' };
  return { kind: 'server', what: `server listening on ${formatAddress(address.address, address.port)}` };
};

const describeConnection: Describe = (resource, record, origin, namePeer) => {
  const socket = (objectOf(resource) ?? {}) as OpenSocket;
  const peer = peerOf(socket, record.connect, record.type === 'PIPEWRAP');
  if (
    record.type === 'PIPEWRAP' &&
    peer.path === undefined &&
    peer.request === undefined &&
    socket.server == null
  )
    return describePipe(record);
  const stream = engineStreamOf(peer, namePeer);
  if (stream !== undefined) return { kind: 'connection', what: stream };
  const known = namePeer?.(peer);
  const to = known ?? formatPeer(peer);
  const protocol = origin.through === 'WebSocket' ? 'WebSocket ' : socket.encrypted === true ? 'TLS ' : '';
  const direction = socket.server == null ? 'to' : 'from';
  const end = to === undefined ? '' : ` ${direction} ${to}`;
  const request = known !== undefined || peer.request === undefined ? '' : ` (${cutText(peer.request, 60)})`;
  return { kind: 'connection', what: `${protocol}connection${end}${request}` };
};

const describeTimeout: Describe = (resource) => {
  const { _repeat, _idleTimeout = 0 } = resource as TimerResource;
  const kind = _repeat == null ? 'timeout' : 'interval';
  return { kind, what: `${kind} of ${formatDuration(_repeat ?? _idleTimeout)}` };
};

const describeUdp: Describe = (resource) => {
  const socket = objectOf(resource) as UdpSocket | undefined;
  try {
    const { address, port } = socket?.address() ?? {};
    return { kind: 'UDP socket', what: `UDP socket on ${formatAddress(address ?? '::', port)}` };
  } catch {
    // ERR_SOCKET_DGRAM_NOT_RUNNING, EBADF: it has no address yet.
    return { kind: 'UDP socket', what: 'UDP socket' };
  }
};

const describeWorker: Describe = (resource) => {
  const name = Reflect.get(resource, 'threadName') as unknown;
  const isNamed = typeof name === 'string' && name !== '' && name !== 'WorkerThread';
  return { kind: 'worker', what: isNamed ? `worker ${name}` : 'worker' };
};

const describePort: Describe = (_resource, _record, { through }) => {
  const kind = through === 'BroadcastChannel' ? 'broadcast channel' : 'message port';
  return { kind, what: kind };
};

const descriptions: Readonly<Record<string, Describe>> = {
  Timeout: describeTimeout,
  Immediate: () => ({ kind: 'immediate', what: 'immediate' }),
  TCPWRAP: describeConnection,
  TCPSERVERWRAP: describeServer,
  PIPEWRAP: describeConnection,
  PIPESERVERWRAP: describeServer,
  TTYWRAP: () => ({ kind: 'pipe', what: 'terminal' }),
  UDPWRAP: describeUdp,
  PROCESSWRAP: (_resource, { command }) => ({ kind: 'child process', what: describeChild(command) }),
  FSEVENTWRAP: () => ({ kind: 'file watcher', what: 'file watcher (fs.watch)' }),
  STATWATCHER: () => ({ kind: 'file watcher', what: 'file watcher (fs.watchFile)' }),
  WORKER: describeWorker,
  MESSAGEPORT: describePort,
  [TaskResource.type]: (resource) => ({ kind: 'task', what: (resource as TaskResource).task.what }),
  [inputType]: () => ({ kind: 'standard input', what: 'reader of standard input' }),
};

/** Describes an open handle. */
export function describeHandle(
  record: HandleRecord,
  origin: Origin,
  namePeer?: NamePeer,
): Description | undefined {
  const { resource } = record;
  return resource && descriptions[record.type]?.(resource, record, origin, namePeer);
}

/** A pipe of a child process that has exited is held open by a process that it started. */
function describePipe({ trigger }: HandleRecord): Description {
  if (trigger?.type !== 'PROCESSWRAP') return { kind: 'pipe', what: 'pipe' };
  return { kind: 'child process', what: `process left running by ${describeChild(trigger.command)}` };
}

/** `child process \`redis-server --port 6390\`` */
function describeChild(command: SpawnedCommand | undefined): string {
  if (command === undefined) return 'child process';
  const [, ...args] = command.args;
  // A shell: what it runs is of interest.
  const isShell = args.length === 2 && args[0] === '-c';
  const line = isShell ? (args[1] ?? '') : [basename(command.file), ...args].join(' ');
  return `child process \`${cutText(line.replaceAll(/\s+/g, ' ').trim(), 60)}\``;
}
