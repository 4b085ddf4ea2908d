/** The end of what something writes: old text goes when new text comes. */
export class LastOutput {
  readonly #mostChars: number;
  #text = '';

  constructor(mostChars: number) {
    this.#mostChars = mostChars;
  }

  add(chunk: string): void {
    this.#text += chunk;
    // Cut seldom: each cut copies.
    if (this.#text.length > 2 * this.#mostChars) this.#text = this.text;
  }

  get text(): string {
    return this.#text.slice(-this.#mostChars);
  }
}
