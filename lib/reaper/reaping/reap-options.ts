import type { AuditEntry } from './audit';
import { defaultMaxRemovals } from './removal-limit';

/** Options of one reaping. */
export interface ReapOptions {
  /** Last holder of the claim, for the audit. Default: unknown. */
  readonly lastHolder?: string | undefined;
  /** Aborts when the claim is held again: no more removals are sent, and those already sent are awaited. */
  readonly signal?: AbortSignal | undefined;
  /** Aborts when the reaper must exit: existing resources are removed, later ones left. Default: never. */
  readonly endSoon?: AbortSignal | undefined;
  /** Called with the outcome for each resource. */
  readonly onAudit?: ((entry: AuditEntry) => void) | undefined;
  /** Whether it only lists what it would remove. Default false. */
  readonly isDryRun?: boolean | undefined;
  /**
   * Maximum number of removals. A listing that exceeds it ends the reaping, and none of its new resources are
   * removed. Default 1 000; `Infinity`: no limit.
   */
  readonly maxRemovals?: number | undefined;
  /** Timeout of one request, in milliseconds. Default 10 000. */
  readonly requestTimeoutMs?: number | undefined;
  /** Attempts per resource. Default 10. */
  readonly maxAttempts?: number | undefined;
  /** Pause after the first failed attempt, in milliseconds; doubles each time. Default 1 000. */
  readonly firstPauseMs?: number | undefined;
  /** Maximum of these pauses, in milliseconds. Default 5 000. */
  readonly maxPauseMs?: number | undefined;
  /** How long to wait for an unreachable engine, in milliseconds. Default 600 000. */
  readonly engineTimeoutMs?: number | undefined;
  /**
   * Pauses before the last listings, which show no resource, in milliseconds. Default 250 and 1 000: 30 create
   * requests that were in flight when their client was killed all finished within 350 ms, at most 175 ms apart
   * (Docker 20.10.24 with a load of 15 on two processors).
   */
  readonly settlePausesMs?: readonly number[] | undefined;
  /**
   * Time, on the clock of `performance.now()`, after which no request of the dead owner is in flight: if the
   * first listing after it is empty, it is the only one. Default: never.
   */
  readonly settledAtMs?: number | undefined;
}

/** Defaults of {@link ReapOptions}. */
export const reapDefaults = Object.freeze({
  lastHolder: '',
  isDryRun: false,
  maxRemovals: defaultMaxRemovals,
  requestTimeoutMs: 10_000,
  maxAttempts: 10,
  firstPauseMs: 1_000,
  maxPauseMs: 5_000,
  engineTimeoutMs: 600_000,
  settlePausesMs: [250, 1_000],
  settledAtMs: Number.POSITIVE_INFINITY,
});

/** `ReapOptions` with defaults applied. */
export type ReapSettings = {
  readonly [K in keyof typeof reapDefaults]: NonNullable<ReapOptions[K]>;
} & Pick<ReapOptions, 'signal' | 'endSoon' | 'onAudit'>;
