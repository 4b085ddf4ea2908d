import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface CutRelayOptions {
  /** The engine's unix socket. Default: from DOCKER_HOST, else `/var/run/docker.sock`. */
  readonly upstream?: string | undefined;
}

/** A unix socket in front of a real engine that can cut open connections and refuse new ones. */
export interface CutRelay extends AsyncDisposable {
  /** As in DOCKER_HOST. */
  readonly address: string;
  /** The paths of `GET /events`, in the order of the requests. */
  readonly eventPaths: readonly string[];
  /** The number of open streams of events. */
  eventStreams(): number;
  /** The number of connections refused. */
  refusals(): number;
  /** Closes every connection. */
  cut(): void;
  /** Closes every connection, and new ones until `release`. */
  hold(): void;
  release(): void;
  close(): Promise<void>;
}

export async function openCutRelay(options: CutRelayOptions = {}): Promise<CutRelay> {
  const { upstream = (process.env['DOCKER_HOST'] || '/var/run/docker.sock').replace('unix://', '') } =
    options;
  const folder = await mkdtemp(join(tmpdir(), 'castoff-cut-relay-'));
  const socketPath = join(folder, 'engine.sock');
  const open = new Set<Socket>();
  const streaming = new Set<Socket>();
  const eventPaths: string[] = [];
  let isHeld = false;
  let refusals = 0;

  const server = createServer((client) => {
    if (isHeld) {
      refusals += 1;
      client.destroy();
      return;
    }
    const engine = connect(upstream);
    open.add(client);
    client.on('data', (bytes) => {
      const [, path] = /^GET (\S*\/events\S*) HTTP/.exec(bytes.toString('latin1')) ?? [];
      if (path === undefined) return;
      eventPaths.push(path);
      streaming.add(client);
    });
    client.pipe(engine).pipe(client);
    for (const [socket, other] of [
      [client, engine],
      [engine, client],
    ] as const) {
      // A `close` follows every error.
      socket.on('error', () => {});
      socket.on('close', () => other.destroy());
    }
    client.on('close', () => {
      open.delete(client);
      streaming.delete(client);
    });
  });
  server.listen(socketPath);
  await once(server, 'listening');

  const cut = (): void => {
    for (const client of open) client.destroy();
  };
  const closeNow = async (): Promise<void> => {
    const closed = once(server, 'close');
    server.close();
    cut();
    await closed;
    await rm(folder, { recursive: true, force: true });
  };
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= closeNow());

  return {
    address: `unix://${socketPath}`,
    eventPaths,
    eventStreams: () => streaming.size,
    refusals: () => refusals,
    cut,
    hold() {
      isHeld = true;
      cut();
    },
    release() {
      isHeld = false;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
