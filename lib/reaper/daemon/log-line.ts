import { cutText } from '../../core/cut-text';
import { definedOnly } from '../../core/defined-only';
import { safeJson } from '../../core/safe-text';
import { formatGoDuration } from '../../core/go-duration';
import { boundAuditEntry, type AuditEntry } from '../reaping/audit';
import type { ReapReport } from '../reaping/reap-report';
import type { ReaperEvent, ReapOutcome } from '../reaping/observer';
import { reaperVariables, type ReaperSettings } from './settings';

/** One log entry: a message, and facts in their order. */
export interface LogEntry {
  readonly level: 'DEBUG' | 'INFO' | 'WARN' | 'ERROR';
  readonly message: string;
  readonly facts: Readonly<Record<string, string | number | boolean>>;
}

/**
 * Formats an entry as Go's text log does, as Ryuk's clients expect.
 *
 * @see moby-ryuk, slog.NewTextHandler: `time=2026-08-01T10:00:00.000Z level=INFO msg=Started
 * address=[::]:8080`
 */
export function formatLogLine({ level, message, facts }: LogEntry, at: Date): string {
  const pairs: LogEntry['facts'] = { time: at.toISOString(), level, msg: message, ...facts };
  return Object.entries(pairs)
    .map(([key, value]) => `${key}=${quote(`${value}`)}`)
    .join(' ');
}

/** Formats `2026/08/01 10:00:00 Started!`, which older clients wait for. */
export function formatStarted(at: Date): string {
  const [day = '', time = ''] = at.toISOString().split('T');
  return `${day.replaceAll('-', '/')} ${time.slice(0, 8)} Started!`;
}

/** Returns the log entry for `event`. Messages are Ryuk's, where Ryuk has one. */
export function logEntryOf(event: ReaperEvent): LogEntry {
  const line = (level: LogEntry['level'], message: string, facts: LogEntry['facts'] = {}): LogEntry => ({
    level,
    message,
    facts: cutFacts(facts),
  });
  switch (event.type) {
    case 'listening':
      return line('INFO', 'Started', { address: event.where });
    case 'connection-opened':
      return line('INFO', 'client connected', { address: event.from, clients: event.connections });
    case 'connection-closed':
      return line('INFO', 'client disconnected', { address: event.from, clients: event.connections });
    case 'connection-refused':
      return line('WARN', 'client refused', { address: event.from, error: event.reason });
    case 'line-refused':
      return line('WARN', 'line refused', { address: event.from, error: event.reason });
    case 'lease-opened':
      return line('DEBUG', 'lease opened', { lease: event.lease, holder: event.holder });
    case 'lease-closed':
      return line('INFO', event.isClean ? 'lease closed' : 'lease lost', {
        lease: event.lease,
        holder: event.holder,
      });
    case 'claimed':
      return line('INFO', 'adding filter', { claim: event.claim.key, holder: event.holder });
    case 'released':
      return line('INFO', 'removing filter', { claim: event.claim.key, holder: event.holder });
    case 'reap-began':
      return line('INFO', 'reaping', { claim: event.claim.key, holder: event.lastHolder });
    case 'reap-ended':
      return outcomeLine(cutText(event.claim.key, maxFactLength), event.outcome);
    case 'draining':
      return line('INFO', 'draining', { why: event.why, leases: event.leases });
    case 'audited':
      return auditLine(event.entry);
    case 'noted':
      return line('INFO', event.text);
  }
}

/** Per value: a claim may have 4 096 characters, and several lines contain it. */
const maxFactLength = 512;

function cutFacts(facts: LogEntry['facts']): LogEntry['facts'] {
  return Object.fromEntries(
    Object.entries(facts).map(([key, value]) => [
      key,
      typeof value === 'string' ? cutText(value, maxFactLength) : value,
    ]),
  );
}

/** Returns the entry with all settings: `starting connection_timeout=1m0s …`. Hides the token. */
export function settingsLine(mode: string, settings: ReaperSettings): LogEntry {
  const facts: Record<string, string> = { mode };
  for (const [key, { variable }] of Object.entries(reaperVariables)) {
    const value = settings[key as keyof ReaperSettings];
    if (value === undefined) continue;
    const text = typeof value === 'object' ? value.join(',') : `${value}`;
    const isDuration = typeof value === 'number' && key.endsWith('Ms');
    const name = variable.replace(/^(RYUK|CASTOFF_REAPER)_/, '').toLowerCase();
    facts[name] = isDuration ? formatGoDuration(value) : text;
  }
  if (settings.token !== undefined) facts['token'] = 'set';
  return { level: 'INFO', message: 'starting', facts };
}

function outcomeLine(claim: string, outcome: ReapOutcome): LogEntry {
  switch (outcome.type) {
    case 'stopped':
      return { level: 'INFO', message: 'reaping stopped', facts: { claim } };
    case 'failed':
      return { level: 'ERROR', message: 'reaping failed', facts: cutFacts({ claim, error: outcome.reason }) };
    case 'reaped': {
      const { removed, left, durationMs } = outcome.report;
      const duration = formatGoDuration(Math.round(durationMs));
      const facts = { claim, ...countFacts(removed), left: left.length, duration };
      return { level: left.length > 0 ? 'ERROR' : 'INFO', message: 'reaped', facts };
    }
  }
}

/** Returns the numbers of removed resources as facts. */
export function countFacts({ container, network, volume, image }: ReapReport['removed']): LogEntry['facts'] {
  return { containers: container, networks: network, volumes: volume, images: image };
}

/** `msg=removed container=web id=3f2a… claim="a=b" lease="pid 12 on host" labels="a=b,c=d" duration=130ms` */
function auditLine(entry: AuditEntry): LogEntry {
  const { outcome, kind, id, name, claim, lease, reason, durationMs, ...bound } = boundAuditEntry(entry);
  const labels = Object.entries(bound.labels).map((label) => label.join('='));
  const duration = `${Math.round(durationMs)}ms`;
  const facts = { [kind]: name || id, id, claim, lease, reason, labels: labels.join(','), duration };
  return { level: 'INFO', message: outcome.replace('-', ' '), facts: definedOnly(facts) };
}

// As Go's slog: quotes empty text, and text with spaces, quotes, equals signs or unprintable characters.
function quote(text: string): string {
  const isPlain = text !== '' && !/[\s"=]|##\[|[^\p{L}\p{M}\p{N}\p{P}\p{S}]/u.test(text);
  return isPlain ? text : safeJson(text).replaceAll(/\p{C}/gu, escapeUnits);
}

// Format characters and the like, which JSON leaves as they are, but a terminal or a log reader interprets.
function escapeUnits(character: string): string {
  const units = character.split('').map((unit) => unit.charCodeAt(0).toString(16).padStart(4, '0'));
  return units.map((unit) => `\\u${unit}`).join('');
}
