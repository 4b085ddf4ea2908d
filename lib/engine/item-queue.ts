/** A queue between a producer and a slower consumer, with a limit. */
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

  /** Adds an item; a no-op when the queue has ended. */
  put(item: T): void {
    if (this.#hasEnded) return;
    const taker = this.#takers.shift();
    if (taker === undefined) this.#items.push(item);
    else taker.resolve({ done: false, value: item });
  }

  /**
   * Resolves to the next item, or to done when the queue has ended. Rejects once with the error of {@link
   * fail}.
   */
  async take(): Promise<IteratorResult<T, undefined>> {
    if (this.#items.length > 0) {
      const value = this.#items.shift() as T;
      if (this.#items.length === 0) this.#notifyEmpty();
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

  /** Resolves when the last item has been taken, or the queue has ended. */
  async untilEmpty(): Promise<void> {
    if (this.#items.length > 0) await this.#emptied.promise;
  }

  /** Ends the queue, drops its items and resolves pending calls of {@link take}. */
  end(): void {
    this.#hasEnded = true;
    this.#items = [];
    this.#failure = undefined;
    this.#notifyEmpty();
    for (const taker of this.#takers.splice(0)) taker.resolve({ done: true, value: undefined });
  }

  /** Ends the queue after its remaining items: the next {@link take} then rejects with `error`. */
  fail(error: unknown): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    const [first, ...others] = this.#takers.splice(0);
    if (first === undefined) this.#failure = { error };
    else first.reject(error);
    for (const taker of others) taker.resolve({ done: true, value: undefined });
  }

  #notifyEmpty(): void {
    this.#emptied.resolve();
    this.#emptied = Promise.withResolvers();
  }
}
