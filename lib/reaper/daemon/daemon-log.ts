import { safeJsonText } from '../../core/safe-text';
import { pino, stdTimeFunctions, type DestinationStream } from 'pino';
import { boundAuditEntry } from '../reaping/audit';
import type { Log } from './log';
import { logEntryOf, type LogEntry } from './log-line';
import type { ReaperEvent } from '../reaping/observer';

const levels = { DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;

/**
 * A log for programs to read: a line of JSON for each thing that happens, whose `event` says what, as the observer names it. An
 * audit line (`"event":"audited"`) has what became of one thing, its labels, the claim, and who held it.
 */
export function openJsonLog(output: DestinationStream, { isVerbose }: { readonly isVerbose: boolean }): Log {
  const logger = pino(
    {
      name: 'castoff-reaper',
      level: isVerbose ? 'debug' : 'info',
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
    },
    { write: (line) => output.write(safeJsonText(line)) },
  );
  const write = ({ level, message, facts }: LogEntry): void => logger[levels[level]](facts, message);
  return {
    write,
    tellState: (state) => logger.info({ event: 'state', state }, 'state'),
    observe(event) {
      if (event.type === 'audited') {
        const level = event.entry.outcome === 'left' ? 'error' : 'info';
        logger[level](
          { event: event.type, ...boundAuditEntry(event.entry) },
          event.entry.outcome.replace('-', ' '),
        );
        return;
      }
      const line = logEntryOf(event);
      if (line !== undefined)
        write({ ...line, facts: { event: event.type, ...line.facts, ...numbersOf(event) } });
    },
  };
}

/** What a line for people leaves out, or spells out. */
function numbersOf(event: ReaperEvent): LogEntry['facts'] {
  if (event.type === 'claimed' || event.type === 'released') return { lease: event.lease };
  if (event.type === 'reap-began') return { run: event.run };
  if (event.type !== 'reap-ended') return {};
  const { run, outcome } = event;
  return outcome.type === 'reaped' ? { run, duration: outcome.report.durationMs / 1_000 } : { run };
}
