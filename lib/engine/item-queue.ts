/** Items between one who puts them as they come and one who takes them when there is time, up to a limit. */
export class ItemQueue<T> {
  readonly #limit: number;
  #items: T[] = [];
  readonly #takers: PromiseWithResolvers<IteratorResult<T, undefined>>[] = [];
  #hasEnded = false;
  #failure: { readonly error: unknown } | undefined;
  #emptied = Promise.withResolvers<void>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get isFull(): boolean {
    return this.#items.length >= this.#limit;
  }

  put(item: T): void {
    if (this.#hasEnded) return;
    const taker = this.#takers.shift();
    if (taker === undefined) this.#items.push(item);
    else taker.resolve({ done: false, value: item });
  }

  /** The first item, or the next to come; done when the queue has ended. Rejects once with what it failed with. */
  async take(): Promise<IteratorResult<T, undefined>> {
    if (this.#items.length > 0) {
      const value = this.#items.shift() as T;
      if (this.#items.length === 0) this.#tellEmptied();
      return { done: false, value };
    }
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure.error;
    if (this.#hasEnded) return { done: true, value: undefined };
    const taker = Promise.withResolvers<IteratorResult<T, undefined>>();
    this.#takers.push(taker);
    return taker.promise;
  }

  /** Resolves when the last item is taken, or the queue has ended. */
  async untilEmpty(): Promise<void> {
    if (this.#items.length > 0) await this.#emptied.promise;
  }

  /** Drops what is in it, and ends it for whoever takes. */
  end(): void {
    this.#hasEnded = true;
    this.#items = [];
    this.#failure = undefined;
    this.#tellEmptied();
    for (const taker of this.#takers.splice(0)) taker.resolve({ done: true, value: undefined });
  }

  /** Ends it after what is in it: the taker after that gets `error`. */
  fail(error: unknown): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    const [first, ...others] = this.#takers.splice(0);
    if (first === undefined) this.#failure = { error };
    else first.reject(error);
    for (const taker of others) taker.resolve({ done: true, value: undefined });
  }

  #tellEmptied(): void {
    this.#emptied.resolve();
    this.#emptied = Promise.withResolvers();
  }
}
