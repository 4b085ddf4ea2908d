import type { HeapGraph } from './heap-graph';
import { userLineOfFunction } from './user-code';

/**
 * Describes the pending timers that call functions of the user.
 *
 * @see Node.js, lib/internal/timers.js: a pending timer is linked to the next one
 */
export function userTimers(graph: HeapGraph): readonly string[] {
  const texts = new Set<string>();
  for (let node = 0; node < graph.count; node += 1) {
    if (graph.nameOf(node) !== 'Timeout' || graph.typeOf(node) !== 'object') continue;
    const next = graph.follow(node, '_idleNext');
    const callback = graph.follow(node, '_onTimeout');
    if (next === undefined || callback === undefined || graph.typeOf(next) !== 'object') continue;
    const line = graph.typeOf(callback) === 'closure' ? userLineOfFunction(graph, callback) : undefined;
    const name = graph.nameOf(callback);
    if (line !== undefined) texts.add(`timer that calls ${name === '' ? 'a function' : name} (${line})`);
  }
  return [...texts];
}
