/** Work in flight, by key: all who ask for a key while its work is in flight share it. */
export class SingleFlight<T> {
  readonly #flights = new Map<string, T>();

  /**
   * The work in flight under `key`, or new work from `start`, which is told how to say that nobody may join it any more:
   * when it has ended, or has been given up. Whoever comes after that starts anew.
   */
  run(key: string, start: (land: () => void) => T): T {
    const flying = this.#flights.get(key);
    if (flying !== undefined) return flying;
    const flight = start(() => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    });
    this.#flights.set(key, flight);
    return flight;
  }
}
