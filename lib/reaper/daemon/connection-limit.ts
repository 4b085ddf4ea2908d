import { Tally } from '../../core/tally';
import type { Connection } from '../protocol/connection';

/**
 * Limits the number of connected clients, and keeps a tenth of it for other hosts than the one with most. At
 * a limit, a new client replaces the one that has been without a lease for longest: real clients make a claim
 * at once. Clients with a lease are never disconnected.
 */
export class ConnectionLimit {
  readonly #max: number;
  readonly #maxPerHost: number;
  /** With the client's host, in the order of their connection. */
  readonly #withoutLease = new Map<Connection, string | undefined>();
  readonly #withLease = new Map<Connection, string | undefined>();
  readonly #countOf = new Tally<string | undefined>();

  constructor(max: number) {
    this.#max = max;
    this.#maxPerHost = max - Math.floor(max / 10);
  }

  get size(): number {
    return this.#withoutLease.size + this.#withLease.size;
  }

  /**
   * Whether one more client may connect; disconnects a client without a lease where necessary.
   *
   * @param host - `undefined` for a local socket, whose clients have no limit of their own.
   */
  admit(host?: string): boolean {
    const isHostFull = host !== undefined && this.#countOf.of(host) >= this.#maxPerHost;
    if (this.size < this.#max && !isHostFull) return true;
    for (const [connection, other] of this.#withoutLease) {
      if (connection.hasLease) {
        this.#withoutLease.delete(connection);
        this.#withLease.set(connection, other);
        continue;
      }
      if (isHostFull && other !== host) continue;
      connection.dismiss('no claim was made, and another client needs the connection');
      return true;
    }
    return false;
  }

  add(connection: Connection, host?: string): void {
    this.#withoutLease.set(connection, host);
    this.#countOf.add(host, 1);
  }

  remove(connection: Connection): void {
    for (const connections of [this.#withoutLease, this.#withLease]) {
      if (!connections.has(connection)) continue;
      this.#countOf.add(connections.get(connection), -1);
      connections.delete(connection);
    }
  }

  dismissAll(): void {
    for (const connection of [...this.#withoutLease.keys(), ...this.#withLease.keys()]) connection.dismiss();
  }
}
