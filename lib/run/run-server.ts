import { createServer } from 'node:net';
import { CastoffError, messageOf } from '../core/errors';
import { warn } from '../core/warnings';
import { listenLocally } from '../wire/local-socket';
import type { ServedClient } from '../wire/served-client';
import type { RunParts } from './run-parts';
import type { serveWorker } from './serve-worker';

/** A run's socket for its workers. */
export interface RunServer {
  /** Notifies all workers that no resource may be created any more. */
  announceEnd(): void;
  /** Resolves when no worker is connected. */
  whenIdle(): Promise<void>;
  close(): void;
}

/**
 * Listens at `address` for the run's workers. The server is unreferenced.
 *
 * @param onWorkerLost - Called when the connection of a worker has ended, and all its requests are handled;
 * `isWaiting`: it had unanswered requests.
 * @throws CastoffError `CONFIG_INVALID` when another run listens there, or when other users can access the
 * folder.
 */
export async function openRunServer(
  address: string,
  run: RunParts,
  onWorkerLost: (worker: string, isWaiting: boolean) => void,
): Promise<RunServer> {
  const connections = new Set<ServedClient>();
  const idle: (() => void)[] = [];
  let isClosed = false;
  const server = createServer((socket) => {
    socket.unref();
    // Loaded with the first worker: a run in one process does not pay for it.
    const late = require('./serve-worker') as { serveWorker: typeof serveWorker };
    const connection = late.serveWorker(socket, run, (worker, isWaiting) => {
      connections.delete(connection);
      if (connections.size === 0) for (const resolve of idle.splice(0)) resolve();
      // Workers that are disconnected at the end of the run have no resources left.
      if (worker !== undefined && !isClosed) onWorkerLost(worker, isWaiting);
    });
    connections.add(connection);
  });
  const opened = await listenLocally(address)(server);
  if (opened === undefined)
    throw new CastoffError('CONFIG_INVALID', `listen for workers at ${address}: another run listens there`);
  // An accept that fails (EMFILE) does not end the server: the next one may succeed.
  server.on('error', (error) =>
    warn('CASTOFF_RUN_SERVER', `accept a worker at ${address}: ${messageOf(error)}`),
  );
  server.unref();
  return {
    announceEnd() {
      for (const connection of connections) connection.send('{"type":"ending"}');
    },
    whenIdle: () =>
      connections.size === 0 ? Promise.resolve() : new Promise((resolve) => void idle.push(resolve)),
    close() {
      isClosed = true;
      opened.close?.();
      server.close();
      for (const connection of connections) connection.dismiss();
    },
  };
}
