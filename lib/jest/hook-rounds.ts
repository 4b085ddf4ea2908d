/** Which hooks of castoff have run in a run of Jest, of which projects, and which are still to come. */
export class HookRounds {
  readonly #setups = new Set<string>();
  readonly #ownHooks = new Set<string>();
  readonly #teardowns = new Set<string>();

  /** Whether the hook at that path has run already: Jest runs each once, so the run is another one by now. */
  hasRun(setupPath: string): boolean {
    return this.#setups.has(setupPath);
  }

  /** @param teardowns - The paths of castoff's teardowns that Jest runs for the config of this setup. */
  begin(setupPath: string, teardowns: readonly string[]): void {
    this.#setups.add(setupPath);
    for (const path of teardowns) this.#teardowns.add(path);
  }

  /** Whether a user's hook is to run: the first config that names it decides, as in Jest. */
  takeOwn(identity: string): boolean {
    const isFirst = !this.#ownHooks.has(identity);
    this.#ownHooks.add(identity);
    return isFirst;
  }

  /** Whether the teardown at that path is the last one. */
  end(teardownPath: string): boolean {
    this.#teardowns.delete(teardownPath);
    return this.#teardowns.size === 0;
  }
}
