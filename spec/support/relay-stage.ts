import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRelay, type Relay, type RelayOptions } from '../../lib/relay/relay';

/** A relay in front of a scripted engine. */
export interface RelayStage extends AsyncDisposable {
  readonly relay: Relay;
  readonly path: string;
  readonly options: RelayOptions;
  /** What the relay reported. */
  readonly errors: readonly string[];
  /** Connects a client; its writing may end before its reading. */
  connect(): Promise<Socket>;
}

/** @param engine - Serves each connection of the relay. */
export async function openRelayStage(
  engine: (socket: Socket) => void,
  options: Partial<RelayOptions> = {},
): Promise<RelayStage> {
  const folder = await mkdtemp(join(tmpdir(), 'castoff-relay-'));
  const enginePath = join(folder, 'engine.sock');
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    // A `close` follows every error.
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    engine(socket);
  });
  await once(server.listen(enginePath), 'listening');
  const errors: string[] = [];
  const path = join(folder, 'relay.sock');
  const relayOptions: RelayOptions = {
    path,
    connect: () => open(enginePath),
    onCreation: () => Promise.resolve(undefined),
    onError: (what, error) => errors.push(`${what}: ${String(error)}`),
    ...options,
  };
  const relay = await openRelay(relayOptions);
  const clients = new Set<Socket>();
  return {
    relay,
    path,
    options: relayOptions,
    errors,
    async connect() {
      const client = await open(path);
      clients.add(client);
      return client.on('error', () => undefined);
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.destroy();
      await relay.close();
      const closed = once(server.close(), 'close');
      for (const socket of sockets) socket.destroy();
      await closed;
      await rm(folder, { recursive: true });
    },
  };
}

/** Connects to a unix socket. */
export async function open(path: string): Promise<Socket> {
  const socket = connect({ path, allowHalfOpen: true });
  await once(socket, 'connect');
  return socket;
}

/** Resolves to the next `length` bytes, or to fewer at the end. */
export async function readBytes(socket: Socket, length: number): Promise<string> {
  let text = '';
  while (text.length < length) {
    const chunk = socket.read(Math.min(length - text.length, socket.readableLength) || 1) as Buffer | null;
    if (chunk !== null) text += chunk.toString('latin1');
    else if (socket.readableEnded || socket.destroyed) break;
    else await nextChange(socket);
  }
  return text;
}

/** Resolves when there is more to read, or nothing more to come. */
async function nextChange(socket: Socket): Promise<void> {
  const stop = new AbortController();
  const { signal } = stop;
  const changes = ['readable', 'end', 'close'].map((event) => once(socket, event, { signal }));
  await Promise.race(changes);
  stop.abort();
  await Promise.allSettled(changes);
}

/** Resolves to the next bytes up to and including `end`. */
export async function readUntil(socket: Socket, end: string): Promise<string> {
  let text = '';
  while (!text.endsWith(end)) {
    const next = await readBytes(socket, 1);
    if (next === '') break;
    text += next;
  }
  return text;
}

/** Resolves to everything until the other side ends. */
export function readAll(socket: Socket): Promise<string> {
  return readBytes(socket, Infinity);
}
