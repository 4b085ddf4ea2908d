import type * as Net from 'node:net';
import { watchFunction } from '../capture/watch-function';
import { coreModule } from '../core/pristine';

/** The type under which a reader of standard input is recorded: Node.js opens its handle once, early. */
export const inputType = 'STDIN';

/**
 * Returns standard input if a tick starts to read it, for `readline`, a listener or an iterator.
 *
 * @see Node.js, lib/internal/streams/readable.js: `resume` and `on` call `process.nextTick(…, stream)`
 */
export function inputReadBy(type: string, tick: object): object | undefined {
  if (type !== 'TickObject') return undefined;
  const { callback, args } = tick as { readonly callback?: unknown; readonly args?: readonly unknown[] };
  if (typeof callback !== 'function' || !/^(?:resume_|nReadingNextTick)$/.test(callback.name))
    return undefined;
  return asInput(args?.[0]);
}

/** Callbacks of {@link watchInput}. */
interface InputListeners {
  /** Called with standard input after code has started to read it, or has joined other code that reads it. */
  readonly onRead: (stream: object) => void;
  /** Called after code has stopped to read it; other code may go on. */
  readonly onPause: () => void;
}

/**
 * Watches the calls that start and stop to read standard input: where earlier code has left it flowing, no tick
 * starts to read it. Returns a function to stop the watch.
 */
export function watchInput({ onRead, onPause }: InputListeners): () => void {
  const { prototype } = (coreModule('net') as typeof Net).Socket;
  const watch = (name: 'pause' | 'resume', listener: (stream: object) => void): (() => void) =>
    watchFunction(prototype, name, (call) => {
      const stream = call();
      if (asInput(stream) !== undefined) listener(stream as object);
      return stream;
    });
  const stops = [watch('resume', onRead), watch('pause', onPause)];
  return () => stops.forEach((stop) => stop());
}

function asInput(stream: unknown): object | undefined {
  const isStream = typeof stream === 'object' && stream !== null;
  return isStream && Reflect.get(stream, 'fd') === 0 ? stream : undefined;
}
