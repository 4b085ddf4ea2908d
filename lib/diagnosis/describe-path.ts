import type { HeapEdge, HeapGraph } from './heap-graph';
import { suspendedFunction } from './suspended-functions';
import { userLineOfFunction } from './user-code';

/** A longer path is cut in its middle. */
const maxSteps = 10;

/** References of Node.js by their names, and what a person calls them. */
const holders: Readonly<Record<string, string>> = {
  _onTimeout: 'a timer',
  _onImmediate: 'an immediate',
};

/**
 * Describes what holds an object, from the user's code on: `function onClose (app.js:12) → variable cache →
 * Map → Session`. Returns `undefined` for a path that leads through no code of the user and no global variable.
 *
 * @param path - The edges from the root of the heap to the object.
 */
export function describePath(graph: HeapGraph, path: readonly HeapEdge[]): string | undefined {
  const start = startOf(graph, path);
  if (start === -1) return undefined;
  const holder = holderOn(graph, path.slice(Math.max(0, start - 4), start + 1));
  const steps = path.slice(start).flatMap((edge, index, edges) => {
    if (edges[index + 1] !== undefined && edge.name === '_events') return [];
    if (index > 0 && edges[index - 1]?.name === '_events') return [`a listener of '${String(edge.name)}'`];
    return describeStep(graph, edge, index === 0);
  });
  const all = holder === undefined ? steps : [holder, ...steps];
  const short =
    all.length <= maxSteps ? all : [...all.slice(0, maxSteps / 2), '…', ...all.slice(-maxSteps / 2)];
  return short.join(' → ');
}

/**
 * Returns the index of the edge that leads to the user's code: the innermost function that waits, or else the
 * first function, or a global variable.
 */
function startOf(graph: HeapGraph, path: readonly HeapEdge[]): number {
  const isUsers = ({ to }: HeapEdge): boolean => lineOf(graph, to) !== undefined;
  const waiting = path.findLastIndex((edge) => graph.typeOf(edge.to) !== 'closure' && isUsers(edge));
  const first = waiting === -1 ? path.findIndex(isUsers) : waiting;
  if (first !== -1) return first;
  // Functions of Node.js and of packages are global, too.
  if (path.some(({ to }) => graph.typeOf(to) === 'closure')) return -1;
  return path.findIndex((edge, index) => isGlobalVariable(edge, path[index - 1]));
}

/** @see V8, V8HeapExplorer::SetGcSubrootReference: shortcuts lead to global objects */
function isGlobalVariable({ type, name }: HeapEdge, before: HeapEdge | undefined): boolean {
  return type === 'property' && before?.type === 'shortcut' && !String(name).startsWith('<symbol');
}

/** Returns `a timer` or `a listener of 'close' on Socket` for the last of these on a path. */
export function holderOn(graph: HeapGraph, path: readonly HeapEdge[]): string | undefined {
  const last = path.findLastIndex(({ name }) => name === '_events' || Object.hasOwn(holders, name));
  const edge = path[last];
  if (edge === undefined) return undefined;
  return edge.name === '_events'
    ? `a listener of '${String(path[last + 1]?.name)}' on ${graph.nameOf(edge.from)}`
    : holders[edge.name];
}

/** Describes an edge and its target; nothing for a field of V8 or Node.js. */
function describeStep(graph: HeapGraph, edge: HeapEdge, isFirst: boolean): readonly string[] {
  const { type, name, to } = edge;
  const line = lineOf(graph, to);
  const node = isInternal(graph, to) ? [] : [nameNode(graph, to, line)];
  if (isFirst && line !== undefined) return node;
  if (name === '__proto__') return node;
  if (name === 'parameters_and_registers') return ['a local variable'];
  const owned = node.filter((text) => text !== 'Object');
  if (type === 'context') return [`variable ${String(name)}`, ...owned];
  if (type === 'element') return [`[${String(name)}]`, ...owned];
  if (type === 'property') return [`${isFirst ? 'globalThis' : ''}.${String(name)}`, ...owned];
  return node;
}

/** Returns the user's line of a function, or of a function that has not returned. */
function lineOf(graph: HeapGraph, node: number): string | undefined {
  if (graph.typeOf(node) === 'closure') return userLineOfFunction(graph, node);
  const closure = suspendedFunction(graph, node);
  return closure === undefined ? undefined : userLineOfFunction(graph, closure);
}

function isInternal(graph: HeapGraph, node: number): boolean {
  return (
    !['object', 'closure', 'native', 'regexp'].includes(graph.typeOf(node)) ||
    graph.nameOf(node).startsWith('system /')
  );
}

function nameNode(graph: HeapGraph, node: number, line: string | undefined): string {
  const name = graph.nameOf(node);
  if (graph.typeOf(node) === 'closure')
    return `${name === '' ? 'a function' : `function ${name}`}${line === undefined ? '' : ` (${line})`}`;
  const closure = line === undefined ? undefined : suspendedFunction(graph, node);
  return closure === undefined ? name : `${nameNode(graph, closure, line)}, which has not returned`;
}
