import { isCastoffError } from '../core/errors';
import { explainTimeout, recordDuration } from '../durations/duration-history';
import type { ReadyWait } from './starts-under-way';

/** The duration of one start, and those of earlier starts of its class in scopes of that name. */
export class StartHistory {
  readonly #name: string;
  readonly #startedAt = performance.now();

  constructor(scope: string, what: string) {
    this.#name = `start ${scope} ${what}`;
  }

  /** Records a start that succeeded. */
  record(): void {
    recordDuration(this.#name, performance.now() - this.#startedAt);
  }

  /**
   * Judges a failed start, if it failed at a limit: at the deadline of its scope, or at the startup timeout
   * of testcontainers.
   *
   * @param wait - The readiness check that it waited for when it failed.
   */
  explain(cause: unknown, wait: ReadyWait | undefined): string | undefined {
    const elapsedMs = performance.now() - this.#startedAt;
    const limitMs = limitOf(cause) ?? expiredLimitOf(wait);
    return limitMs === undefined ? undefined : explainTimeout(this.#name, { limitMs, elapsedMs });
  }
}

function limitOf(cause: unknown): number | undefined {
  if (!isCastoffError(cause, 'DEADLINE_EXCEEDED') || !('timeoutMs' in cause)) return undefined;
  return Number(cause.timeoutMs);
}

function expiredLimitOf(wait: ReadyWait | undefined): number | undefined {
  if (wait?.limitMs === undefined) return undefined;
  return performance.now() - wait.sinceMs >= wait.limitMs ? wait.limitMs : undefined;
}
