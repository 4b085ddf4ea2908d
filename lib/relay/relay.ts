import type * as relayedConnection from './relayed-connection';
import type { RelayServices } from './relay-services';
import { EngineAccount, type EngineTime } from './engine-time';
import { openListener } from './relay-listener';
import { withTimeout } from '../core/timeout';

/** How a relay reaches its engine, and what it asks its owner. */
export interface RelayOptions extends Omit<RelayServices, 'account'> {
  /** The unix socket to listen at, in a folder that only this user can access. */
  readonly path: string;
}

/** A unix socket in front of an engine. Keeps the process alive until it is closed. */
export interface Relay {
  readonly path: string;
  /** Returns how long the engine took for the calls that have been answered, by kind. */
  account(): readonly EngineTime[];
  /** Stops listening, cuts streams, and closes other connections after the answers under way, or after 2 s. Idempotent. */
  close(): Promise<void>;
}

/** How long answers under way may take when the relay closes, in milliseconds. */
const closeTimeoutMs = 2_000;
/** How long connections may take to end once they are destroyed, in milliseconds. */
const destroyTimeoutMs = 1_000;

/**
 * Listens at `path` and relays connections to an engine. Adds the labels that `onCreation` returns to requests
 * that create containers, networks, volumes and images; every other byte is passed on unchanged, in both
 * directions. When its socket file is removed, or the listener fails, it listens again within 100 ms.
 *
 * A client's pid is not known: Node.js has no `SO_PEERCRED`, and `/proc/net/unix` does not show which two sockets
 * are connected.
 *
 * @throws CastoffError `CONFIG_INVALID` when other users can access the folder, the path is too long, or another
 *   process listens there.
 */
export async function openRelay(options: RelayOptions): Promise<Relay> {
  const { path, onError } = options;
  const account = new EngineAccount();
  const connections = new Set<relayedConnection.RelayedConnection>();
  const services = { ...options, account };
  const listener = await openListener(path, {
    onError,
    onConnection(socket) {
      // Loaded with the first connection: `castoff run` starts its command without it.
      const { RelayedConnection } = require('./relayed-connection') as typeof relayedConnection;
      const connection = new RelayedConnection(socket, services);
      connections.add(connection);
      void connection.closed.finally(() => connections.delete(connection));
    },
  });
  const closeNow = async (): Promise<void> => {
    await listener.close();
    const open = [...connections];
    for (const connection of open) connection.close();
    const closed = Promise.allSettled(open.map((connection) => connection.closed));
    const waitForClose = async (timeoutMs: number): Promise<void> => {
      // Can only reject with a DeadlineError.
      await Promise.allSettled([withTimeout(closed, { what: 'close the relay', timeoutMs })]);
    };
    await waitForClose(closeTimeoutMs);
    for (const connection of connections) connection.destroy();
    // One that still waits for its engine to accept it cannot be destroyed.
    await waitForClose(destroyTimeoutMs);
  };
  let closing: Promise<void> | undefined;
  return { path, account: () => account.list(), close: () => (closing ??= closeNow()) };
}
