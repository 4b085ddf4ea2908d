/** A match may begin in one chunk of the output and end in another, this many characters later. */
const maxMatchChars = 8 * 1_024;

/**
 * Searches the output of a command, chunk by chunk, in bounded memory: a match may span chunks, and has at most
 * 8 Ki characters before its last chunk. `^` matches only at the start of the output, or of a line with the flag
 * `m`.
 */
export class OutputSearch {
  readonly #pattern: RegExp;
  #text = '';
  #isCut = false;

  constructor(pattern: RegExp) {
    // A copy, because a search changes `lastIndex`, and the expression is the user's.
    this.#pattern = new RegExp(pattern.source, `${pattern.flags.replace(/[gy]/g, '')}g`);
  }

  /** Returns whether the output matches, now that `chunk` has been added. */
  add(chunk: string): boolean {
    this.#text += chunk;
    // After a cut, the text begins in the middle of the output.
    this.#pattern.lastIndex = this.#isCut ? 1 : 0;
    const isFound = this.#pattern.test(this.#text);
    if (this.#text.length > maxMatchChars) {
      this.#text = this.#text.slice(-maxMatchChars);
      this.#isCut = true;
    }
    return isFound;
  }
}
