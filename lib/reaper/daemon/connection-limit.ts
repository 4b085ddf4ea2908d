import type { Connection } from '../protocol/connection';

/**
 * How many clients there may be at once. A newcomer takes the place of the one that has been silent for longest, since whoever
 * means it speaks at once; those that hold a lease stay.
 */
export class ConnectionLimit {
  readonly #places: number;
  /** In the order in which they came. */
  readonly #silent = new Set<Connection>();
  readonly #leased = new Set<Connection>();

  constructor(places: number) {
    this.#places = places;
  }

  get size(): number {
    return this.#silent.size + this.#leased.size;
  }

  /** Whether there is a place, or one can be made. */
  admit(): boolean {
    if (this.size < this.#places) return true;
    for (const connection of this.#silent) {
      if (this.#sort(connection)) continue;
      connection.dismiss('nothing was claimed here, and others wait for the place');
      return true;
    }
    return false;
  }

  add(connection: Connection): void {
    this.#silent.add(connection);
  }

  remove(connection: Connection): void {
    this.#silent.delete(connection);
    this.#leased.delete(connection);
  }

  dismissAll(): void {
    for (const connection of [...this.#silent, ...this.#leased]) connection.dismiss();
  }

  /** Whether it holds a lease, as it was seen to do now. */
  #sort(connection: Connection): boolean {
    if (!connection.hasLease) return false;
    this.#silent.delete(connection);
    this.#leased.add(connection);
    return true;
  }
}
