/** Keeps the last characters of a stream. */
export class LastOutput {
  readonly #maxChars: number;
  #text = '';

  constructor(maxChars: number) {
    this.#maxChars = maxChars;
  }

  add(chunk: string): void {
    this.#text += chunk;
    // Trimmed rarely, since each trim copies the text.
    if (this.#text.length > 2 * this.#maxChars) this.#text = this.text;
  }

  get text(): string {
    return this.#text.slice(-this.#maxChars);
  }
}
