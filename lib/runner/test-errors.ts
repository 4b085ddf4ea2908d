import { sep } from 'node:path';
import { inspect } from 'node:util';
import { ownFolder } from '../core/source-line';

/**
 * Inserts `text` into the error of a test, below its message and above its stack, where runners print it.
 * Returns the error to report: a new one when `thrown` is not an error or is frozen.
 *
 * @param definedBy - An error with the line of the test; changed when nothing was thrown, as by a timeout.
 */
export function addToMessage(thrown: unknown, text: string, definedBy?: unknown): unknown {
  const error = thrown ?? definedBy;
  if (!hasMessage(error)) {
    // Timeouts are thrown as strings.
    const shown = typeof thrown === 'string' ? `"${thrown}"` : inspect(thrown, { depth: 3 });
    const replacement = new Error(`thrown: ${shown}`);
    const [, ...frames] = (hasMessage(definedBy) ? (definedBy.stack ?? '') : '').split('\n    at ');
    const stack = [`Error: ${replacement.message}`, ...frames].join('\n    at ');
    return Object.assign(replacement, { stack: insertBelowMessage(stack, text) });
  }
  const { stack, message } = error;
  if (stack === undefined) {
    const changed = insertBelowMessage(message, text);
    return Reflect.set(error, 'message', changed) ? error : { message: changed };
  }
  const changed = insertBelowMessage(stack, text);
  return Reflect.set(error, 'stack', changed) ? error : Object.assign(new Error(message), { stack: changed });
}

/** Removes castoff's own frames from the stack of a test's error: castoff calls every test function. */
export function hideOwnFrames(error: unknown): void {
  if (!hasMessage(error)) return;
  // Runners convert an error of node:assert to a message that includes the stack.
  const key = error.stack === undefined ? 'message' : 'stack';
  const lines = (error[key] ?? '').split('\n');
  const others = lines.filter((line) => !isOwnFrame(line));
  // A frozen error keeps its frames.
  if (others.length < lines.length) Reflect.set(error, key, others.join('\n'));
}

/** Whether a line of a stack is a frame of castoff's own code. */
export function isOwnFrame(line: string): boolean {
  return /^\s+at\s/.test(line) && line.includes(ownFolder + sep);
}

/** Inserts `text` between message and stack, which starts at the first line with the form of a frame. */
export function insertBelowMessage(messageAndStack: string, text: string): string {
  const stackAt = /\n\s*at\s.*:\d+:\d+/.exec(messageAndStack)?.index ?? messageAndStack.length;
  return `${messageAndStack.slice(0, stackAt)}\n\n${text}${messageAndStack.slice(stackAt)}`;
}

function hasMessage(value: unknown): value is { readonly message: string; readonly stack?: string } {
  return (
    typeof value === 'object' && value !== null && 'message' in value && typeof value.message === 'string'
  );
}
