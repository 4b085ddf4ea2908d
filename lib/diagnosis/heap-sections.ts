import type { HeapSections } from './heap-graph';

/** The sections of numbers, in the order in which V8 writes those that castoff reads. */
const numbered = ['nodes', 'edges', 'locations'] as const;

/**
 * Splits a heap snapshot into its sections, chunk by chunk: the whole text may be longer than the longest
 * string.
 *
 * @see V8, HeapSnapshotJSONSerializer::SerializeImpl: one key per line, numbers without a sign or a fraction
 */
export class HeapSectionReader {
  #header = '';
  #strings = '';
  /** The text between two sections, or the start of a number. */
  #rest = '';
  readonly #numbers = new Map<string, NumberList>();
  #section: 'header' | 'between' | 'strings' | (typeof numbered)[number] = 'header';

  /** Adds the next part of the text. */
  add(chunk: string): void {
    let text = chunk;
    while (text !== '') text = this.#read(text);
  }

  /** Returns the sections after the last part. */
  end(): HeapSections {
    const of = (name: string): Uint32Array => this.#numbers.get(name)?.toArray() ?? new Uint32Array();
    return {
      header: `${this.#header}}`,
      nodes: of('nodes'),
      edges: of('edges'),
      locations: of('locations'),
      strings: JSON.parse(this.#strings.slice(0, this.#strings.lastIndexOf(']') + 1)) as string[],
    };
  }

  /** Reads a part of `text`. Returns the part that the next section has to read. */
  #read(text: string): string {
    const section = this.#section;
    if (section === 'strings') {
      this.#strings += text;
      return '';
    }
    if (section === 'header' || section === 'between') return this.#findSection(text);
    const end = text.indexOf(']');
    const list = this.#numbers.get(section) ?? new NumberList();
    this.#numbers.set(section, list);
    this.#rest = list.add(this.#rest, end === -1 ? text : text.slice(0, end + 1));
    if (end === -1) return '';
    this.#section = 'between';
    this.#rest = '';
    return text.slice(end + 1);
  }

  #findSection(text: string): string {
    const all = this.#rest + text;
    const found = /"(nodes|edges|locations|strings)":\[/.exec(all);
    if (found === null) {
      this.#rest = all;
      return '';
    }
    if (this.#section === 'header') this.#header = all.slice(0, found.index).replace(/,\s*$/, '');
    this.#rest = '';
    const name = found[1] as 'strings' | (typeof numbered)[number];
    this.#section = name;
    if (name === 'strings') this.#strings = '[';
    return all.slice(found.index + found[0].length);
  }
}

/** A list of numbers that grows. */
class NumberList {
  #numbers = new Uint32Array(1 << 16);
  #length = 0;

  /** Adds the numbers in `text` after `start`. Returns the start of a number that `text` does not end. */
  add(start: string, text: string): string {
    let number = start === '' ? -1 : Number(start);
    for (let index = 0; index < text.length; index += 1) {
      const digit = text.charCodeAt(index) - 48;
      if (digit >= 0 && digit <= 9) number = (number === -1 ? 0 : number) * 10 + digit;
      else if (number !== -1) {
        this.#push(number);
        number = -1;
      }
    }
    return number === -1 ? '' : String(number);
  }

  toArray(): Uint32Array {
    return this.#numbers.subarray(0, this.#length);
  }

  #push(number: number): void {
    if (this.#length === this.#numbers.length) {
      const larger = new Uint32Array(this.#length * 2);
      larger.set(this.#numbers);
      this.#numbers = larger;
    }
    this.#numbers[this.#length] = number;
    this.#length += 1;
  }
}
