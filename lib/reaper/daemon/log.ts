import type { Writable } from 'node:stream';
import { formatLogLine, formatStarted, logEntryOf, type LogEntry } from './log-line';
import type { Observer } from '../reaping/observer';
import type { ReaperSnapshot } from './snapshot';

/** Writes events and other entries. */
export interface Log {
  readonly observe: Observer;
  write(line: LogEntry): void;
  logSnapshot(snapshot: ReaperSnapshot): void;
}

/** Opens a text log on `output`, one line per event. `isVerbose` includes the level DEBUG. */
export function openLog(output: Writable, { isVerbose }: { readonly isVerbose: boolean }): Log {
  // EPIPE: without a reader of the log, the leases live on.
  output.on('error', () => undefined);
  const print = (text: string): void => void output.write(`${text}\n`);
  const write = (line: LogEntry): void => {
    if (line.level !== 'DEBUG' || isVerbose) print(formatLogLine(line, new Date()));
  };
  return {
    write,
    logSnapshot: (state) =>
      write({ level: 'INFO', message: 'state', facts: { state: JSON.stringify(state) } }),
    observe(event) {
      write(logEntryOf(event));
      if (event.type === 'listening') print(formatStarted(new Date()));
    },
  };
}
