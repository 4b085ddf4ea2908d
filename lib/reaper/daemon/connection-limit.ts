import type { Connection } from '../protocol/connection';

/**
 * Limits the number of connected clients. At the limit, a new client replaces the one that has been without a
 * lease for longest: real clients make a claim at once. Clients with a lease are never disconnected.
 */
export class ConnectionLimit {
  readonly #max: number;
  /** In the order of their connection. */
  readonly #withoutLease = new Set<Connection>();
  readonly #withLease = new Set<Connection>();

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#withoutLease.size + this.#withLease.size;
  }

  /** Whether one more client may connect; disconnects a client without a lease where necessary. */
  admit(): boolean {
    if (this.size < this.#max) return true;
    for (const connection of this.#withoutLease) {
      if (this.#moveIfLeased(connection)) continue;
      connection.dismiss('no claim was made, and another client needs the connection');
      return true;
    }
    return false;
  }

  add(connection: Connection): void {
    this.#withoutLease.add(connection);
  }

  remove(connection: Connection): void {
    this.#withoutLease.delete(connection);
    this.#withLease.delete(connection);
  }

  dismissAll(): void {
    for (const connection of [...this.#withoutLease, ...this.#withLease]) connection.dismiss();
  }

  /** Whether `connection` holds a lease by now. */
  #moveIfLeased(connection: Connection): boolean {
    if (!connection.hasLease) return false;
    this.#withoutLease.delete(connection);
    this.#withLease.add(connection);
    return true;
  }
}
