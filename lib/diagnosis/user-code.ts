import { fileURLToPath } from 'node:url';
import { runInThisContext } from 'node:vm';
import { userLineIn } from '../capture/user-line';
import type { HeapGraph, ScriptPosition } from './heap-graph';

/**
 * Returns the user's line of a function, or of a suspended function, as `file:line`; `undefined` for code of
 * Node.js, packages and castoff.
 *
 * @param closure - Its node.
 * @param position - A position in its script. Default: where it starts.
 */
export function userLineOfFunction(
  graph: HeapGraph,
  closure: number,
  position: ScriptPosition | undefined = graph.positionOf(closure),
): string | undefined {
  const script = graph.follow(closure, 'shared', 'script');
  return script === undefined || position === undefined
    ? undefined
    : userLineAt(graph.nameOf(script), position.line, position.column);
}

/**
 * Returns the user's line at a position of a script, mapped as stacks are, as `file:line` relative to the
 * working directory; `undefined` for code of Node.js, packages and castoff.
 *
 * @param script - Its path, or its URL.
 * @param line - From 0.
 * @param column - From 0.
 */
function userLineAt(script: string, line: number, column: number): string | undefined {
  const path = script.startsWith('file://') ? fileURLToPath(script) : script;
  return userLineIn(frameAt(path, line, column));
}

/** Returns the frame of a stack for a position, through the source maps of a test runner. */
function frameAt(path: string, line: number, column: number): string {
  const raw = `    at ${path}:${line + 1}:${column + 1}`;
  const prepareStackTrace = findPrepareStackTrace();
  if (typeof prepareStackTrace !== 'function') return raw;
  try {
    const frames = [new Position(path, line, column)];
    const mapped: unknown = Reflect.apply(prepareStackTrace, Error, [new Error('position'), frames]);
    const frame = typeof mapped === 'string' ? mapped.split('\n').at(-1) : undefined;
    return frame?.trim().startsWith('at ') === true ? frame : raw;
  } catch {
    // A test has replaced the function by one that expects frames of V8: the position stays unmapped.
    return raw;
  }
}

/**
 * Returns the function that formats stacks. In a sandbox, that of the main context applies unless the sandbox has its
 * own; Jest installs its source maps in the main context.
 *
 * @see Node.js, lib/internal/errors.js, `prepareStackTraceCallback`
 */
function findPrepareStackTrace(): unknown {
  const own: unknown = Reflect.get(Error, 'prepareStackTrace');
  return typeof own === 'function' ? own : runInThisContext('Error.prepareStackTrace');
}

/** A frame of a stack, as source-map-support reads it. @see V8, `CallSite` */
class Position implements NodeJS.CallSite {
  readonly #path: string;
  readonly #line: number;
  readonly #column: number;

  constructor(path: string, line: number, column: number) {
    this.#path = path;
    this.#line = line;
    this.#column = column;
  }

  getThis(): undefined {
    return undefined;
  }

  getTypeName(): null {
    return null;
  }

  getFunction(): undefined {
    return undefined;
  }

  getFunctionName(): null {
    return null;
  }

  getMethodName(): null {
    return null;
  }

  getFileName(): string {
    return this.#path;
  }

  getLineNumber(): number {
    return this.#line + 1;
  }

  getColumnNumber(): number {
    return this.#column + 1;
  }

  getEvalOrigin(): undefined {
    return undefined;
  }

  getScriptNameOrSourceURL(): string {
    return this.#path;
  }

  getScriptHash(): string {
    return '';
  }

  getEnclosingColumnNumber(): number {
    return this.#column + 1;
  }

  getEnclosingLineNumber(): number {
    return this.#line + 1;
  }

  getPosition(): number {
    return 0;
  }

  getPromiseIndex(): null {
    return null;
  }

  isToplevel(): boolean {
    return true;
  }

  isNative(): boolean {
    return false;
  }

  isEval(): boolean {
    return false;
  }

  isConstructor(): boolean {
    return false;
  }

  isAsync(): boolean {
    return false;
  }

  isPromiseAll(): boolean {
    return false;
  }

  toString(): string {
    return `${this.#path}:${this.#line + 1}:${this.#column + 1}`;
  }
}
