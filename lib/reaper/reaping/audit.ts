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
