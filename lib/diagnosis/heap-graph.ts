/** An edge of a heap: a variable, property, element or internal field that refers to a node. */
export interface HeapEdge {
  readonly type: string;
  /** The name of a variable or property; the index of an element. */
  readonly name: string | number;
  readonly from: number;
  readonly to: number;
}

/** A position in a script, as V8 reports it: line and column count from 0. */
export interface ScriptPosition {
  readonly line: number;
  readonly column: number;
}

/** The sections of a heap snapshot. @see V8, src/profiler/heap-snapshot-generator.cc */
export interface HeapSections {
  readonly header: string;
  readonly nodes: Uint32Array;
  readonly edges: Uint32Array;
  readonly locations: Uint32Array;
  readonly strings: readonly string[];
}

/** The fields of a node and an edge, in this order; `detachedness` follows those of a node. */
const nodeFields = ['type', 'name', 'id', 'self_size', 'edge_count'];
const edgeFields = ['type', 'name_or_index', 'to_node'];
const edgeSize = edgeFields.length;
const locationSize = 4;

/** The objects of a heap and their references. Node 0 is the root. */
export class HeapGraph {
  readonly count: number;
  readonly #nodes: Uint32Array;
  readonly #nodeSize: number;
  readonly #edges: Uint32Array;
  readonly #strings: readonly string[];
  readonly #nodeTypes: readonly string[];
  readonly #edgeTypes: readonly string[];
  /** By node, the index of its first edge. */
  readonly #firstEdge: Uint32Array;
  readonly #positions = new Map<number, ScriptPosition>();

  /** @throws Error when this version of V8 writes another format. */
  constructor({ header, nodes, edges, locations, strings }: HeapSections) {
    const { meta } = (JSON.parse(header) as { readonly snapshot: { readonly meta: Meta } }).snapshot;
    if (!startsWith(meta.node_fields, nodeFields) || !startsWith(meta.edge_fields, edgeFields))
      throw new Error(`read a heap snapshot: unknown fields ${meta.node_fields.join(', ')}`);
    this.#nodes = nodes;
    this.#nodeSize = meta.node_fields.length;
    this.#edges = edges;
    this.#strings = strings;
    this.#nodeTypes = meta.node_types[0];
    this.#edgeTypes = meta.edge_types[0];
    this.count = nodes.length / this.#nodeSize;
    this.#firstEdge = new Uint32Array(this.count + 1);
    for (let node = 0; node < this.count; node += 1)
      this.#firstEdge[node + 1] = at(this.#firstEdge, node) + at(nodes, node * this.#nodeSize + 4);
    for (let each = 0; each < locations.length; each += locationSize) {
      const position = { line: at(locations, each + 2), column: at(locations, each + 3) };
      this.#positions.set(at(locations, each) / this.#nodeSize, position);
    }
  }

  /** Returns `object`, `closure`, `array`, `string`, `code` or another type of V8. */
  typeOf(node: number): string {
    return this.#nodeTypes[at(this.#nodes, node * this.#nodeSize)] ?? '';
  }

  /** Returns the class of an object, the name of a function, or the text of a string. */
  nameOf(node: number): string {
    return this.#strings[at(this.#nodes, node * this.#nodeSize + 1)] ?? '';
  }

  /** Returns the id of a node, which is the same in all snapshots of a process. */
  idOf(node: number): number {
    return at(this.#nodes, node * this.#nodeSize + 2);
  }

  /** Returns where a function, or the class of an object, is defined. */
  positionOf(node: number): ScriptPosition | undefined {
    return this.#positions.get(node);
  }

  /** Lists the references of a node. */
  edgesOf(node: number): readonly HeapEdge[] {
    const edges: HeapEdge[] = [];
    this.eachEdge(node, (edge) => edges.push(this.edge(edge, node)));
    return edges;
  }

  /** Calls `visit` with the index of each edge of a node, which {@link edge} reads. */
  eachEdge(node: number, visit: (edge: number, to: number) => void): void {
    const end = at(this.#firstEdge, node + 1);
    for (let edge = at(this.#firstEdge, node); edge < end; edge += 1)
      visit(edge, at(this.#edges, edge * edgeSize + 2) / this.#nodeSize);
  }

  /** Reads an edge of the node `from`. */
  edge(edge: number, from: number): HeapEdge {
    const type = this.#edgeTypes[at(this.#edges, edge * edgeSize)] ?? '';
    const name = at(this.#edges, edge * edgeSize + 1);
    const isNumbered = type === 'element' || type === 'hidden';
    const to = at(this.#edges, edge * edgeSize + 2) / this.#nodeSize;
    return { type, name: isNumbered ? name : (this.#strings[name] ?? ''), from, to };
  }

  /** Returns the node that `node` refers to by a variable, property or field of that name. */
  follow(node: number | undefined, ...names: readonly string[]): number | undefined {
    let found = node;
    for (const name of names) {
      if (found === undefined) return undefined;
      found = this.edgesOf(found).find((edge) => edge.name === name)?.to;
    }
    return found;
  }
}

interface Meta {
  readonly node_fields: readonly string[];
  readonly node_types: readonly [readonly string[], ...unknown[]];
  readonly edge_fields: readonly string[];
  readonly edge_types: readonly [readonly string[], ...unknown[]];
}

function startsWith(actual: readonly string[], expected: readonly string[]): boolean {
  return expected.every((name, index) => actual[index] === name);
}

function at(numbers: Uint32Array, index: number): number {
  return numbers[index] ?? 0;
}
