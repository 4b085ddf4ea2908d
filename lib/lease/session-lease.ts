import { claimKey, type BoundedLabels } from '../core/bounds';
import { processWide } from '../core/global-state';
import { claimedLabels, onClaim } from '../registry/claims';
import type { LeaseClient } from './client';
import type { LeaseRequest } from './launch-container';
import type { ReaperChoice } from './reaper-choice';
import type { ReaperAddress } from './reaper-address';
import { takeLease } from './take-lease';

/** Resources that outlive their session for a while, kept by its reaper. */
export interface Retention {
  /** How long, in milliseconds. */
  readonly keepMs: number;
  /** The claims that cover the kept resources. */
  readonly claims: readonly BoundedLabels[];
  /** Called when the reaper has accepted. */
  readonly onAccepted: () => void;
}

interface SessionLease {
  /** A description of the reaper that holds the lease now; `undefined` without a reaper. */
  readonly reaper: string | undefined;
  /**
   * Gives up this share. The last share also ends the lease: `beforeLast` runs, and the reaper removes at
   * once the resources that claims still cover. With a retention, it removes only those that the retention's
   * claims cover, when the time has passed. If `isInUse` returns true, the lease ends with the process
   * instead.
   */
  end(last: {
    readonly isInUse: () => boolean;
    readonly beforeLast: () => Promise<void>;
    readonly retention?: (() => Retention | undefined) | undefined;
  }): Promise<void>;
}

interface SharedLease {
  readonly taking: Promise<LeaseClient | undefined>;
  shares: number;
  stopListening: () => void;
}

const leases = (): Map<string, SharedLease> => processWide('leases', () => new Map<string, SharedLease>());

/**
 * Returns a share of this process's lease on that engine. The first share takes the lease, and adds later
 * claims of the process to it. Sessions with the same `mode` share a lease, and `auto` shares any.
 *
 * @throws CastoffError `REAPER_UNAVAILABLE`, as {@link takeLease} does.
 */
export async function shareLease(
  mode: ReaperChoice | ReaperAddress,
  request: LeaseRequest,
): Promise<SessionLease> {
  const key = leaseKey(mode, request.engine.address);
  const lease = leases().get(key) ?? openLease(key, mode, request);
  lease.shares += 1;
  const client = await lease.taking;
  let isEnded = false;
  return {
    get reaper() {
      return client?.reaper;
    },
    async end({ isInUse, beforeLast, retention = () => undefined }) {
      if (isEnded) return;
      isEnded = true;
      lease.shares -= 1;
      if (lease.shares > 0 || isInUse()) return;
      leases().delete(key);
      lease.stopListening();
      try {
        await beforeLast();
      } finally {
        const retained = retention();
        if (client !== undefined && retained !== undefined) await keepOnly(client, retained.claims);
        if ((await client?.close(retained?.keepMs)) === true) retained?.onAccepted();
      }
    },
  };
}

async function keepOnly(client: LeaseClient, kept: readonly BoundedLabels[]): Promise<void> {
  const keys = new Set(kept.map(({ labels, bounds }) => claimKey(labels, bounds)));
  for (const { labels, bounds } of kept) await client.claim(labels, bounds);
  for (const { labels, bounds } of claimedLabels())
    if (!keys.has(claimKey(labels, bounds))) await client.release(labels, bounds);
}

function leaseKey(mode: ReaperChoice | ReaperAddress, engine: string): string {
  const own = `${typeof mode === 'string' ? mode : `at ${mode.address}`} ${engine}`;
  const any = [...leases().keys()].find((key) => key.endsWith(` ${engine}`) && !key.startsWith('off '));
  return mode === 'auto' ? (any ?? own) : own;
}

function openLease(key: string, mode: ReaperChoice | ReaperAddress, request: LeaseRequest): SharedLease {
  const lease: SharedLease = { taking: takeLease(mode, request), shares: 0, stopListening: () => undefined };
  leases().set(key, lease);
  void forwardClaims(lease).catch(() => {
    // The sessions that share the lease report the error; the next session tries again.
    leases().delete(key);
  });
  return lease;
}

async function forwardClaims(lease: SharedLease): Promise<void> {
  const client = await lease.taking;
  if (client === undefined) return;
  lease.stopListening = onClaim(client);
  await Promise.all(claimedLabels().map(({ labels, bounds }) => client.claim(labels, bounds)));
}
