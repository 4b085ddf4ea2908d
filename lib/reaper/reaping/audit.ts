import type { ListedTarget } from '../../engine/list-targets';
import { cutText } from '../../core/cut-text';

/** The outcome for one resource that a claim covers. */
export interface AuditEntry extends Pick<ListedTarget, 'kind' | 'id' | 'name' | 'labels'> {
  /**
   * `removed`: by this reaping. `removed-elsewhere`, `already-gone`: by another client. `left`: not removed.
   * `would-remove`: a dry run.
   */
  readonly outcome: 'removed' | 'removed-elsewhere' | 'already-gone' | 'left' | 'would-remove';
  /** The claim's key. */
  readonly claim: string;
  /** Last holder of the claim. */
  readonly lease: string;
  /** Why it was not removed. */
  readonly reason?: string | undefined;
  readonly durationMs: number;
}

/** Limits of a log entry: labels may have 100 KB, and every removal is an entry. */
const maxTextLength = 512;
const maxLabels = 64;

/** Returns `entry` with long texts cut and surplus labels dropped. */
export function boundAuditEntry(entry: AuditEntry): AuditEntry {
  const { name, labels, claim, lease, reason } = entry;
  const kept = Object.entries(labels).slice(0, maxLabels);
  return {
    ...entry,
    name: cutText(name, maxTextLength),
    claim: cutText(claim, maxTextLength),
    lease: cutText(lease, maxTextLength),
    labels: Object.fromEntries(
      kept.map(([key, value]) => [cutText(key, maxTextLength), cutText(value, maxTextLength)]),
    ),
    ...(reason === undefined ? {} : { reason: cutText(reason, maxTextLength) }),
  };
}

/**
 * Formats one line:
 * `msg=removed container=web id=3f2a… claim="a=b" lease="pid 12 on host" labels="a=b,c=d" duration=130ms`
 */
export function formatAuditEntry(entry: AuditEntry): string {
  const { outcome, kind, id, name, labels, claim, lease, reason, durationMs } = boundAuditEntry(entry);
  const fields = [
    ['msg', outcome.replace('-', ' ')],
    [kind, name === '' ? id : name],
    ['id', id],
    ['claim', claim],
    ['lease', lease],
    ['reason', reason],
    [
      'labels',
      Object.entries(labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(','),
    ],
    ['duration', `${Math.round(durationMs)}ms`],
  ] as const;
  return fields.flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${quote(value)}`])).join(' ');
}

// For characters that JSON leaves as they are, but that a terminal or a log reader interprets.
function escape(character: string): string {
  return `\\u{${character.codePointAt(0)?.toString(16)}}`;
}

// As Go's slog: quotes text with spaces, quotes or equals signs, and keeps an entry on one line.
function quote(value: string): string {
  if (value !== '' && /^[^\s"=\p{C}]+$/u.test(value)) return value;
  return JSON.stringify(value).replaceAll(/[\p{C}\u2028\u2029]/gu, escape);
}
