import { sep } from 'node:path';
import { inspect } from 'node:util';
import { asError, CastoffError, isCastoffError, messageLines } from '../core/errors';
import { ownFolder } from '../core/source-line';
import type { CloseReport } from '../scope/close-report';
import type { TestContext } from './test-context';

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

function isOwnFrame(line: string): boolean {
  return /^\s+at\s/.test(line) && line.includes(ownFolder + sep);
}

/** Inserts `text` between message and stack, which starts at the first line with the form of a frame. */
export function insertBelowMessage(messageAndStack: string, text: string): string {
  const stackAt = /\n\s*at\s.*:\d+:\d+/.exec(messageAndStack)?.index ?? messageAndStack.length;
  return `${messageAndStack.slice(0, stackAt)}\n\n${text}${messageAndStack.slice(stackAt)}`;
}

/**
 * Converts the error of a context's close to errors for the runner: one per failed item, with the item's line
 * and the failure's own stack, and without nested lists that would repeat it.
 */
export function closeErrors(context: TestContext, error: unknown): readonly Error[] {
  const report = reportOf(error);
  if (report === undefined) return [asError(error)];
  return report.ends.flatMap((end) => {
    if (end.error === undefined) return [];
    const [first, ...rest] = messageLines(end.error);
    const at = end.source === undefined ? '' : ` (${end.source})`;
    const message = [`after ${context.name}: ${end.what}${at}: ${first}`, ...rest].join('\n');
    const cause = propertyOf(end.error, 'cause');
    // A message of castoff includes its causes.
    const options = cause === undefined || isCastoffError(end.error) ? {} : { cause };
    const closeError = new CastoffError('CLEANUP_FAILED', message, options);
    closeError.stack = `${closeError.name}: ${closeError.message}${framesIn(propertyOf(end.error, 'stack'))}`;
    return [closeError];
  });
}

function hasMessage(value: unknown): value is { readonly message: string; readonly stack?: string } {
  return (
    typeof value === 'object' && value !== null && 'message' in value && typeof value.message === 'string'
  );
}

function reportOf(error: unknown): CloseReport | undefined {
  return isCastoffError(error, 'CLEANUP_FAILED') && 'report' in error
    ? (error.report as CloseReport)
    : undefined;
}

// An error of a sandbox is not an instance of this realm's `Error`.
function propertyOf(error: unknown, key: 'cause' | 'stack'): unknown {
  return typeof error === 'object' && error !== null ? Reflect.get(error, key) : undefined;
}

function framesIn(stack: unknown): string {
  const lines = typeof stack === 'string' ? stack.split('\n') : [];
  return lines
    .filter((line) => /^\s+at\s/.test(line) && !isOwnFrame(line))
    .map((frame) => `\n${frame}`)
    .join('');
}
