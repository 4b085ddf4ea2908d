import type { Writable } from 'node:stream';
import { formatAuditEntry } from '../reaping/audit';
import { formatLogLine, formatStarted, logEntryOf, type LogEntry } from './log-line';
import type { Observer } from '../reaping/observer';
import type { ReaperSnapshot } from './snapshot';

export interface Log {
  readonly observe: Observer;
  write(line: LogEntry): void;
  tellState(state: ReaperSnapshot): void;
}

/** Writes what happens to `output`, a line each; `isVerbose`: also what only somebody who looks for a fault wants to know. */
export function openLog(output: Writable, { isVerbose }: { readonly isVerbose: boolean }): Log {
  // EPIPE: who read the log is gone, and the leases are not.
  output.on('error', () => undefined);
  const print = (text: string): void => void output.write(`${text}\n`);
  const write = (line: LogEntry): void => {
    if (line.level !== 'DEBUG' || isVerbose) print(formatLogLine(line, new Date()));
  };
  return {
    write,
    tellState: (state) => write({ level: 'INFO', message: 'state', facts: { state: JSON.stringify(state) } }),
    observe(event) {
      if (event.type === 'audited') {
        print(`time=${new Date().toISOString()} level=INFO ${formatAuditEntry(event.entry)}`);
        return;
      }
      const line = logEntryOf(event);
      if (line !== undefined) write(line);
      if (event.type === 'listening') print(formatStarted(new Date()));
    },
  };
}
