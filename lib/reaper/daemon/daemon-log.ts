import { safeJsonText } from '../../core/safe-text';
import { pino, stdTimeFunctions, type DestinationStream } from 'pino';
import { boundAuditEntry } from '../reaping/audit';
import type { Log } from './log';
import { logEntryOf, type LogEntry } from './log-line';
import type { ReaperEvent } from '../reaping/observer';

const levels = { DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;

/**
 * Opens a log for programs: one line of JSON per event; `event` is the observer's name for it. An audit line
 * (`"event":"audited"`) has the outcome for one resource, its labels, the claim and the claim's last holder.
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
    logSnapshot: (state) => logger.info({ event: 'state', state }, 'state'),
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
      write({ ...line, facts: { event: event.type, ...line.facts, ...extraFacts(event) } });
    },
  };
}

/** Facts that the text log omits or formats. */
function extraFacts(event: ReaperEvent): LogEntry['facts'] {
  if (event.type === 'claimed' || event.type === 'released') return { lease: event.lease };
  if (event.type === 'reap-began') return { run: event.run };
  if (event.type !== 'reap-ended') return {};
  const { run, outcome } = event;
  return outcome.type === 'reaped' ? { run, duration: outcome.report.durationMs / 1_000 } : { run };
}
