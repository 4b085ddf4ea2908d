import type { Claim } from './claim';

/** A claim that no lease holds. */
interface OrphanedClaim {
  readonly claim: Claim;
  readonly lastHolder: string;
  readonly client: string;
  readonly host?: string | undefined;
  /** When its last lease ended. */
  readonly sinceMs: number;
  /** Pauses, in milliseconds, before the claim is listed again after it was reaped. */
  readonly latePausesMs: readonly number[];
}

/** An orphaned claim that waits for its reaping. */
export interface WaitingClaim extends OrphanedClaim {
  readonly expiresAtMs: number;
  /** When to check next whether any kept resource still exists, and how often. */
  readonly check?: KeptCheck | undefined;
}

/** An orphaned claim that is being reaped. */
export interface ReapingClaim extends OrphanedClaim {
  readonly run: number;
}

/** The claims that no lease holds, by phase and key. */
export interface OrphanedClaims {
  readonly inGracePeriod: ReadonlyMap<string, WaitingClaim>;
  readonly reaping: ReadonlyMap<string, ReapingClaim>;
  /** Reaped, and listed again later. */
  readonly watched: ReadonlyMap<string, WaitingClaim>;
}

interface KeptCheck {
  readonly atMs: number;
  readonly everyMs: number;
}

/** How often to check while resources are kept: for an hour, every 30 s. */
const checks = 120;
const minCheckMs = 1_000;

/** Returns the first check of resources that are kept for `keepMs`; `undefined` if none are. */
export function firstCheck(atMs: number, keepMs: number): KeptCheck | undefined {
  return keepMs > 0 ? checkAfter(atMs, Math.max(keepMs / checks, minCheckMs)) : undefined;
}

/** Returns the check that is due `everyMs` after `atMs`. */
export function checkAfter(atMs: number, everyMs: number): KeptCheck {
  return { atMs: atMs + everyMs, everyMs };
}
