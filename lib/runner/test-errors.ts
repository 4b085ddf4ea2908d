import { sep } from 'node:path';
import { inspect } from 'node:util';
import { ownFolder } from '../core/source-line';

/**
 * Puts `words` into an error of a test, below its message and above its stack, where Jest prints them. Returns what is to stand in
 * its place.
 *
 * @param entry - As circus keeps it: what was thrown, or a pair of that and an error that knows the line of the test.
 */
export function addToMessage(entry: unknown, words: string): unknown {
  const [thrown, asyncError] = Array.isArray(entry) ? (entry as readonly unknown[]) : [entry];
  // Where nothing was thrown, as with a timeout, the other one is what Jest prints.
  const error = thrown ?? asyncError;
  if (!hasMessage(error)) {
    // A timeout is thrown as a text, which Jest prints as it is.
    const text = typeof thrown === 'string' ? `"${thrown}"` : inspect(thrown, { depth: 3 });
    const made = new Error(`thrown: ${text}`);
    const [, ...frames] = (hasMessage(asyncError) ? (asyncError.stack ?? '') : '').split('\n    at ');
    const stack = [`Error: ${made.message}`, ...frames].join('\n    at ');
    return Object.assign(made, { stack: insertBelowMessage(stack, words) });
  }
  const { stack, message } = error;
  if (stack === undefined) {
    const changed = insertBelowMessage(message, words);
    return Reflect.set(error, 'message', changed) ? entry : { message: changed };
  }
  const changed = insertBelowMessage(stack, words);
  return Reflect.set(error, 'stack', changed) ? entry : Object.assign(new Error(message), { stack: changed });
}

/** Takes out of the stacks of an error of a test what castoff itself has put there: it stands between Jest and each function. */
export function hideOwnFrames(entry: unknown): void {
  for (const error of Array.isArray(entry) ? (entry as readonly unknown[]) : [entry]) {
    if (!hasMessage(error)) continue;
    // What Jest makes of an error of node:assert has its stack in its message.
    const key = error.stack === undefined ? 'message' : 'stack';
    const lines = (error[key] ?? '').split('\n');
    const others = lines.filter((line) => !isOwnFrame(line));
    // Where it cannot be changed, it stays as it is.
    if (others.length < lines.length) Reflect.set(error, key, others.join('\n'));
  }
}

/** Whether a line of a stack is a frame of castoff's own code. */
export function isOwnFrame(line: string): boolean {
  return /^\s+at\s/.test(line) && line.includes(ownFolder + sep);
}

/** `text` is a message and then a stack; Jest, too, takes the first line that looks like a frame for the end of the message. */
export function insertBelowMessage(text: string, words: string): string {
  const stackAt = /\n\s*at\s.*:\d+:\d+/.exec(text)?.index ?? text.length;
  return `${text.slice(0, stackAt)}\n\n${words}${text.slice(stackAt)}`;
}

function hasMessage(value: unknown): value is { readonly message: string; readonly stack?: string } {
  return (
    typeof value === 'object' && value !== null && 'message' in value && typeof value.message === 'string'
  );
}
