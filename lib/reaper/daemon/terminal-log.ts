import type { Writable } from 'node:stream';
import { safeForTerminal } from '../../core/safe-text';
import { paint, type Colour } from '../../core/text-table';
import type { Log } from './log';
import { logEntryOf, type LogEntry } from './log-line';

const colours: Readonly<Record<LogEntry['level'], Colour | undefined>> = {
  DEBUG: 'dim',
  INFO: undefined,
  WARN: 'yellow',
  ERROR: 'red',
};

const messageWidth = 20;

/** Opens a log for people on a terminal: one line per event, with the time of day. */
export function openTerminalLog(output: Writable, { isVerbose }: { readonly isVerbose: boolean }): Log {
  const write = (entry: LogEntry): void => {
    if (entry.level !== 'DEBUG' || isVerbose) output.write(`${formatForTerminal(entry, new Date())}\n`);
  };
  return {
    write,
    logSnapshot: (state) => output.write(`${JSON.stringify(state, undefined, 2)}\n`),
    observe: (event) => write(logEntryOf(event)),
  };
}

/** Formats an entry as `10:00:00  client connected      address 127.0.0.1:41234, clients 2`. */
export function formatForTerminal({ level, message, facts }: LogEntry, at: Date): string {
  const text = message.padEnd(messageWidth);
  const colour = colours[level];
  const title = colour === undefined ? text : paint({ text, colour });
  const pairs = Object.entries(facts).map(([key, value]) => `${key} ${safeForTerminal(String(value))}`);
  return `${at.toTimeString().slice(0, 8)}  ${title}  ${pairs.join(', ')}`.trimEnd();
}
