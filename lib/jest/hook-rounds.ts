/** Tracks which hooks of a Jest run have run, and which teardowns are pending. */
export class HookRounds {
  readonly #setups = new Set<string>();
  readonly #ownHooks = new Set<string>();
  readonly #teardowns = new Set<string>();

  /** Returns whether a setup has run. Jest runs each once per run, so a second call belongs to a new run. */
  hasRun(setupPath: string): boolean {
    return this.#setups.has(setupPath);
  }

  /**
   * Records that a setup runs.
   *
   * @param teardowns - Paths of castoff's teardowns that Jest runs for the same config.
   */
  recordSetup(setupPath: string, teardowns: readonly string[]): void {
    this.#setups.add(setupPath);
    for (const path of teardowns) this.#teardowns.add(path);
  }

  /** Returns whether a user's hook runs now. It runs for the first config that names it, as in Jest. */
  takeOwnHook(identity: string): boolean {
    const isFirst = !this.#ownHooks.has(identity);
    this.#ownHooks.add(identity);
    return isFirst;
  }

  /** Records that a teardown has run. Returns whether it was the last one. */
  recordTeardown(teardownPath: string): boolean {
    this.#teardowns.delete(teardownPath);
    return this.#teardowns.size === 0;
  }
}
