/** The type under which a reader of standard input is recorded: Node.js opens its handle once, early. */
export const inputType = 'STDIN';

/**
 * Returns whether a tick starts to read standard input, for `readline` or a listener.
 *
 * @see Node.js, lib/internal/streams/readable.js: `resume` calls `process.nextTick(resume_, stream, state)`
 */
export function inputReadBy(type: string, tick: object): object | undefined {
  if (type !== 'TickObject') return undefined;
  const { callback, args } = tick as { readonly callback?: unknown; readonly args?: readonly unknown[] };
  if (typeof callback !== 'function' || callback.name !== 'resume_') return undefined;
  const stream = args?.[0];
  return typeof stream === 'object' && stream !== null && Reflect.get(stream, 'fd') === 0
    ? stream
    : undefined;
}
