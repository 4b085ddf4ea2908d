import { randomUUID } from 'node:crypto';
import type { HeapGraph } from './heap-graph';

/** Returns a new key for the property `key` of an object that {@link findByKey} is to find. */
export function heapKey(): string {
  // A heap snapshot has the text of a string only if V8 stores it in one piece, as that of a property name.
  return Object.keys({ [randomUUID()]: true })[0] ?? '';
}

/** Finds the object of a class that has a key. */
export function findByKey(graph: HeapGraph, className: string, key: string): number | undefined {
  for (let node = 0; node < graph.count; node += 1) {
    if (graph.nameOf(node) !== className || graph.typeOf(node) !== 'object') continue;
    const text = graph.follow(node, 'key');
    if (text !== undefined && graph.nameOf(text) === key) return node;
  }
  return undefined;
}
