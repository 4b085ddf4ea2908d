import { definedOnly } from '../../core/defined-only';
import type { AuditEntry } from './audit';
import { defaultMaxRemovals } from './removal-limit';

export interface ReapOptions {
  /** Who held the claim last: for the audit. Default: nobody who is known. */
  readonly lastHolder?: string | undefined;
  /** Somebody claims again: nothing more is removed, and what was sent is seen to its end. */
  readonly signal?: AbortSignal | undefined;
  /** The reaper must end: what is there is removed, and what is created from then on is left. Default: never. */
  readonly endSoon?: AbortSignal | undefined;
  /** Hears of each thing what became of it. */
  readonly onAudit?: ((entry: AuditEntry) => void) | undefined;
  /** Whether it only lists what it would remove. Default false. */
  readonly isDryRun?: boolean | undefined;
  /** The most things that one reaping may remove; a listing that shows more ends it, and nothing of that listing is removed. Default 1 000; `Infinity`: no limit. */
  readonly mostRemovals?: number | undefined;
  /** How long an unanswered request is waited for, in milliseconds. Default 10 000. */
  readonly requestTimeoutMs?: number | undefined;
  /** How often the removal of one thing is tried. Default 10. */
  readonly mostTries?: number | undefined;
  /** The pause after a failed try, in milliseconds; each next one is twice as long. Default 1 000. */
  readonly firstPauseMs?: number | undefined;
  /** The longest of these pauses, in milliseconds. Default 5 000. */
  readonly maxPauseMs?: number | undefined;
  /** How long an engine that is away is waited for, in milliseconds. Default 600 000. */
  readonly engineTimeoutMs?: number | undefined;
  /**
   * After how long, in milliseconds, it looks again when nothing is left; done when none of these looks finds anything. Default
   * 250 and 1 000: 30 creates that were under way when their client was killed were all there 350 ms later, 175 ms apart at the
   * most (Docker 20.10.24 with a load of 15 on two processors).
   */
  readonly settlePausesMs?: readonly number[] | undefined;
  /**
   * From when, as `performance.now()` counts, nothing is under way any more that its owner had asked for: a first look after that
   * which finds nothing is the last. Default: never.
   */
  readonly settledAtMs?: number | undefined;
}

export const reapDefaults = Object.freeze({
  lastHolder: '',
  isDryRun: false,
  mostRemovals: defaultMaxRemovals,
  requestTimeoutMs: 10_000,
  mostTries: 10,
  firstPauseMs: 1_000,
  maxPauseMs: 5_000,
  engineTimeoutMs: 600_000,
  settlePausesMs: [250, 1_000],
  settledAtMs: Number.POSITIVE_INFINITY,
});

export type ReapSettings = {
  readonly [K in keyof typeof reapDefaults]: NonNullable<ReapOptions[K]>;
} & Pick<ReapOptions, 'signal' | 'endSoon' | 'onAudit'>;

export function resolveReapOptions(options: ReapOptions): ReapSettings {
  return { ...reapDefaults, ...definedOnly(options) };
}
