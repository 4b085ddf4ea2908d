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
  /** The clients' hosts. */
  readonly #hosts = new Map<Connection, string | undefined>();
  /** In the order of their connection; some may have a lease by now. */
  readonly #withoutLease = new Set<Connection>();
  readonly #countOf = new Tally<string | undefined>();

  constructor(max: number) {
    this.#max = max;
    this.#maxPerHost = max - Math.floor(max / 10);
  }

  get size(): number {
    return this.#hosts.size;
  }

  /**
   * Whether one more client may connect; disconnects a client without a lease where necessary.
   *
   * @param host - `undefined` for a local socket, whose clients have no limit of their own.
   */
  admit(host?: string): boolean {
    const isHostFull = host !== undefined && this.#countOf.of(host) >= this.#maxPerHost;
    if (this.size < this.#max && !isHostFull) return true;
    for (const connection of this.#withoutLease) {
      if (connection.hasLease) this.#withoutLease.delete(connection);
      else if (!isHostFull || this.#hosts.get(connection) === host) {
        connection.dismiss('no claim was made, and another client needs the connection');
        return true;
      }
    }
    return false;
  }

  add(connection: Connection, host?: string): void {
    this.#hosts.set(connection, host);
    this.#withoutLease.add(connection);
    this.#countOf.add(host, 1);
  }

  remove(connection: Connection): void {
    const host = this.#hosts.get(connection);
    if (this.#hosts.delete(connection)) this.#countOf.add(host, -1);
    this.#withoutLease.delete(connection);
  }

  dismissAll(): void {
    for (const connection of this.#hosts.keys()) connection.dismiss();
  }
}
