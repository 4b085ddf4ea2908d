import type { BoundedLabels } from '../core/bounds';
import { processWide } from '../core/global-state';
import { claimedLabels, onClaim } from '../registry/claims';
import type { LeaseClient } from './client';
import type { LaunchedFor } from './launch-container';
import type { ReaperChoice } from './reaper-choice';
import { takeLease } from './take-lease';

/** A session's share in the lease of its process. */
export interface SessionLease {
  /** Who holds it now, for people; `undefined`: there is no reaper. */
  readonly reaper: string | undefined;
  /**
   * Gives the share up. With the last one the lease ends, after `beforeLast` has; what its claims still cover is reaped at once,
   * but for those that are `released` then. Where `isInUse` says that the process has other things that need it, it ends with the
   * process.
   */
  end(last: {
    readonly isInUse: () => boolean;
    readonly beforeLast: () => Promise<void>;
    readonly released?: (() => readonly BoundedLabels[]) | undefined;
  }): Promise<void>;
}

interface SharedLease {
  readonly taking: Promise<LeaseClient | undefined>;
  shares: number;
  stopListening: () => void;
}

const leases = (): Map<string, SharedLease> => processWide('leases', () => new Map<string, SharedLease>());

/**
 * A share in the lease of this process on that engine, which is taken with the first one; it also claims what is claimed later
 * through {@link onClaim}. A later session takes what the first has: only another way that is asked for by name is another lease.
 *
 * @throws CastoffError `REAPER_UNAVAILABLE`, as {@link takeLease} does.
 */
export async function shareLease(mode: ReaperChoice, wanted: LaunchedFor): Promise<SessionLease> {
  const key = findLease(mode, wanted.engine.address);
  const lease = leases().get(key) ?? openLease(key, mode, wanted);
  lease.shares += 1;
  const client = await lease.taking;
  let hasEnded = false;
  return {
    get reaper() {
      return client?.reaper;
    },
    async end({ isInUse, beforeLast, released = () => [] }) {
      if (hasEnded) return;
      hasEnded = true;
      lease.shares -= 1;
      if (lease.shares > 0 || isInUse()) return;
      leases().delete(key);
      lease.stopListening();
      try {
        await beforeLast();
      } finally {
        for (const { labels, bounds } of released()) await client?.release(labels, bounds);
        await client?.close();
      }
    },
  };
}

function findLease(mode: ReaperChoice, engine: string): string {
  const own = `${mode} ${engine}`;
  const any = (['auto', 'container', 'process'] as const).map((other) => `${other} ${engine}`);
  return mode === 'auto' ? (any.find((key) => leases().has(key)) ?? own) : own;
}

function openLease(key: string, mode: ReaperChoice, wanted: LaunchedFor): SharedLease {
  const lease: SharedLease = { taking: takeLease(mode, wanted), shares: 0, stopListening: () => undefined };
  leases().set(key, lease);
  void listen(lease).catch(() => {
    // Whoever shares it hears of it; the next session tries anew.
    leases().delete(key);
  });
  return lease;
}

async function listen(lease: SharedLease): Promise<void> {
  const client = await lease.taking;
  if (client === undefined) return;
  lease.stopListening = onClaim({
    claim: (labels, bounds) => client.claim(labels, bounds),
    release: (labels, bounds) => client.release(labels, bounds),
  });
  await Promise.all(claimedLabels().map(({ labels, bounds }) => client.claim(labels, bounds)));
}
