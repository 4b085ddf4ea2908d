import type { RemovableKind } from '../../engine/removable-kind';
import { cutText } from '../../core/cut-text';

/** What became of one thing that a claim covers. */
export interface AuditEntry {
  /**
   * `removed`: by this reaping. `removed-elsewhere`, `already-gone`: somebody else was quicker. `left`: given up. `would-remove`:
   * a dry run.
   */
  readonly outcome: 'removed' | 'removed-elsewhere' | 'already-gone' | 'left' | 'would-remove';
  readonly kind: RemovableKind;
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The claim's key. */
  readonly claim: string;
  /** Who held the claim last. */
  readonly lease: string;
  /** Why it is left. */
  readonly reason?: string | undefined;
  readonly durationMs: number;
}

/** The longest text of an entry in a log: labels may have 100 KB, and each removal is one entry. */
const longestText = 512;
const mostLabels = 64;

/** `entry` as a log may have it. */
export function boundAuditEntry(entry: AuditEntry): AuditEntry {
  const { name, labels, claim, lease, reason } = entry;
  const kept = Object.entries(labels).slice(0, mostLabels);
  return {
    ...entry,
    name: cutText(name, longestText),
    claim: cutText(claim, longestText),
    lease: cutText(lease, longestText),
    labels: Object.fromEntries(
      kept.map(([key, value]) => [cutText(key, longestText), cutText(value, longestText)]),
    ),
    ...(reason === undefined ? {} : { reason: cutText(reason, longestText) }),
  };
}

/** One line: `msg=removed container=web id=3f2a… claim="a=b" lease="pid 12 on host" labels="a=b,c=d" duration=130ms`. */
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

// Of characters that JSON leaves as they are, and that a terminal or a log reader does not.
function escape(character: string): string {
  return `\\u{${character.codePointAt(0)?.toString(16)}}`;
}

// As Go's slog writes text: what has a blank, a quote or an equals sign is quoted, and a line stays one line.
function quote(value: string): string {
  if (value !== '' && /^[^\s"=\p{C}]+$/u.test(value)) return value;
  return JSON.stringify(value).replaceAll(/[\p{C}\u2028\u2029]/gu, escape);
}
