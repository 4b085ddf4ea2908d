/** Shares work in flight: callers with the same key get the same result. */
export class SingleFlight<T> {
  readonly #flights = new Map<string, T>();

  /**
   * Returns the work in flight under `key`, or starts it.
   *
   * `start` gets a function that releases the key once the work has finished or been abandoned; later callers
   * start new work.
   */
  run(key: string, start: (release: () => void) => T): T {
    const current = this.#flights.get(key);
    if (current !== undefined) return current;
    const flight = start(() => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    });
    this.#flights.set(key, flight);
    return flight;
  }
}
