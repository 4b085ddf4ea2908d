import { hashOf } from './seeded-hash';

/** A change copies one part. */
const partCount = 64;

const noParts = Array.from({ length: partCount }, () => new Map<string, never>());

/**
 * An immutable map. `with` and `without` return a copy that shares most of its parts: with plain maps, a
 * thousand leases with ten claims each would copy the whole map ten thousand times.
 */
export class SharedMap<V> {
  readonly size: number;
  readonly #parts: readonly ReadonlyMap<string, V>[];

  private constructor(parts: readonly ReadonlyMap<string, V>[], size: number) {
    this.#parts = parts;
    this.size = size;
  }

  static empty<V>(): SharedMap<V> {
    return new SharedMap<V>(noParts, 0);
  }

  get(key: string): V | undefined {
    return this.#parts[partOf(key)]?.get(key);
  }

  has(key: string): boolean {
    return this.#parts[partOf(key)]?.has(key) === true;
  }

  with(key: string, value: V): SharedMap<V> {
    const part = new Map(this.#parts[partOf(key)]).set(key, value);
    return new SharedMap(this.#parts.with(partOf(key), part), this.size + (this.has(key) ? 0 : 1));
  }

  without(key: string): SharedMap<V> {
    if (!this.has(key)) return this;
    const part = new Map(this.#parts[partOf(key)]);
    part.delete(key);
    return new SharedMap(this.#parts.with(partOf(key), part), this.size - 1);
  }

  *entries(): Generator<[string, V]> {
    for (const part of this.#parts) yield* part;
  }

  *values(): Generator<V> {
    for (const part of this.#parts) yield* part.values();
  }
}

function partOf(key: string): number {
  return hashOf(key) % partCount;
}
