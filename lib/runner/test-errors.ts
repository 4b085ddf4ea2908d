import { sep } from 'node:path';
import { inspect } from 'node:util';
import { ownFolder } from '../core/source-line';

/**
 * Inserts `text` into the error of a test, below its message and above its stack, where Jest prints it.
 * Returns the entry that replaces `entry`.
 *
 * @param entry - An error entry of jest-circus: the thrown value, or a pair of that and an error with the
 * line of the test.
 */
export function addToMessage(entry: unknown, text: string): unknown {
  const [thrown, asyncError] = Array.isArray(entry) ? (entry as readonly unknown[]) : [entry];
  // If nothing was thrown, as by a timeout, Jest prints the second error.
  const error = thrown ?? asyncError;
  if (!hasMessage(error)) {
    // A timeout is thrown as a string, which Jest prints unchanged.
    const shown = typeof thrown === 'string' ? `"${thrown}"` : inspect(thrown, { depth: 3 });
    const replacement = new Error(`thrown: ${shown}`);
    const [, ...frames] = (hasMessage(asyncError) ? (asyncError.stack ?? '') : '').split('\n    at ');
    const stack = [`Error: ${replacement.message}`, ...frames].join('\n    at ');
    return Object.assign(replacement, { stack: insertBelowMessage(stack, text) });
  }
  const { stack, message } = error;
  if (stack === undefined) {
    const changed = insertBelowMessage(message, text);
    return Reflect.set(error, 'message', changed) ? entry : { message: changed };
  }
  const changed = insertBelowMessage(stack, text);
  return Reflect.set(error, 'stack', changed) ? entry : Object.assign(new Error(message), { stack: changed });
}

/**
 * Removes castoff's own frames from the stacks of a test's error: castoff calls every test function on behalf
 * of Jest.
 */
export function hideOwnFrames(entry: unknown): void {
  for (const error of Array.isArray(entry) ? (entry as readonly unknown[]) : [entry]) {
    if (!hasMessage(error)) continue;
    // Jest converts errors of node:assert to a message that includes the stack.
    const key = error.stack === undefined ? 'message' : 'stack';
    const lines = (error[key] ?? '').split('\n');
    const others = lines.filter((line) => !isOwnFrame(line));
    // A frozen error keeps its frames.
    if (others.length < lines.length) Reflect.set(error, key, others.join('\n'));
  }
}

/** Returns whether a line of a stack is a frame of castoff's own code. */
export function isOwnFrame(line: string): boolean {
  return /^\s+at\s/.test(line) && line.includes(ownFolder + sep);
}

/**
 * Inserts `text` between the message and the stack of `messageAndStack`. As in Jest, the stack starts at the
 * first line that has the form of a frame.
 */
export function insertBelowMessage(messageAndStack: string, text: string): string {
  const stackAt = /\n\s*at\s.*:\d+:\d+/.exec(messageAndStack)?.index ?? messageAndStack.length;
  return `${messageAndStack.slice(0, stackAt)}\n\n${text}${messageAndStack.slice(stackAt)}`;
}

function hasMessage(value: unknown): value is { readonly message: string; readonly stack?: string } {
  return (
    typeof value === 'object' && value !== null && 'message' in value && typeof value.message === 'string'
  );
}
