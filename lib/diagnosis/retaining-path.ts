import type { HeapEdge, HeapGraph } from './heap-graph';

/** The shortest references from the root of a heap to each of its nodes. */
export class RetainingPaths {
  readonly #graph: HeapGraph;
  /** By node, one more than the index of the edge that leads to it. */
  readonly #edges: Uint32Array;
  readonly #parents: Uint32Array;

  /** @param isIgnored - Leaves out an edge, such as one that castoff itself holds. */
  constructor(graph: HeapGraph, isIgnored: (edge: HeapEdge) => boolean = () => false) {
    this.#graph = graph;
    this.#edges = new Uint32Array(graph.count);
    this.#parents = new Uint32Array(graph.count);
    const queue = new Uint32Array(graph.count);
    let last = 1;
    for (let next = 0; next < last; next += 1) {
      const from = queue[next] ?? 0;
      graph.eachEdge(from, (edge, to) => {
        if (to === 0 || this.#edges[to] !== 0) return;
        const read = graph.edge(edge, from);
        if (!holds(graph, read) || isIgnored(read)) return;
        this.#edges[to] = edge + 1;
        this.#parents[to] = from;
        queue[last] = to;
        last += 1;
      });
    }
  }

  /** Returns whether a node is reachable from the root. */
  reaches(node: number): boolean {
    return node === 0 || this.#edges[node] !== 0;
  }

  /** Returns the edges from the root to a node; `undefined` when it is not reachable. */
  to(node: number): readonly HeapEdge[] | undefined {
    if (this.#edges[node] === 0) return undefined;
    const path: HeapEdge[] = [];
    for (let to = node; to !== 0; to = this.#parents[to] ?? 0)
      path.unshift(this.#graph.edge((this.#edges[to] ?? 0) - 1, this.#parents[to] ?? 0));
    return path;
  }
}

/**
 * Returns whether an edge keeps its target alive. The table of a WeakMap does not keep a value: its key does.
 * What a WeakRef has returned is held until the end of the current task only.
 *
 * @see V8, V8HeapExplorer::ExtractEphemeronHashTableReferences
 */
function holds(graph: HeapGraph, { type, name, from }: HeapEdge): boolean {
  if (type === 'weak' || name === 'weak_refs_keep_during_job') return false;
  if (type !== 'internal' || typeof name !== 'string') return true;
  const table = / pair in WeakMap \(table @(\d+)\)$/.exec(name)?.[1];
  return table === undefined || Number(table) !== graph.idOf(from);
}
