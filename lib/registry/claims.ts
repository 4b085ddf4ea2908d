import { claimKey, type BoundedLabels, type Bounds } from '../core/bounds';
import { processWide } from '../core/global-state';

/**
 * Adds claims to a lease and releases them. Both resolve when the lease has done so, or has given up waiting
 * for the reaper.
 */
export interface ClaimListener {
  claim(labels: readonly string[], bounds?: Bounds): Promise<void>;
  release(labels: readonly string[], bounds?: Bounds): Promise<void>;
}

interface Claims {
  readonly byKey: Map<string, BoundedLabels>;
  readonly listeners: Set<ClaimListener>;
}

const claims = (): Claims => processWide('claims', () => ({ byKey: new Map(), listeners: new Set() }));

/**
 * Adds a claim on everything that carries all of `labels` (`key=value`) and is within `bounds` to every
 * current and future lease of this process. Idempotent.
 *
 * Await it before creating a resource without castoff's labels: after a crash, the reaper finds the resource
 * by this claim. Without a session it only records the claim. Does not reject when the reaper is away.
 */
export async function claimLabels(labels: readonly string[], bounds?: Bounds): Promise<void> {
  claims().byKey.set(claimKey(labels, bounds), { labels, bounds });
  await Promise.all([...claims().listeners].map((listener) => listener.claim(labels, bounds)));
}

/** Releases such a claim from every lease: resources that get these labels later belong to others. */
export async function releaseLabels(labels: readonly string[], bounds?: Bounds): Promise<void> {
  if (!claims().byKey.delete(claimKey(labels, bounds))) return;
  await Promise.all([...claims().listeners].map((listener) => listener.release(labels, bounds)));
}

/** Returns the current claims, with which a new lease starts. */
export function claimedLabels(): readonly BoundedLabels[] {
  return [...claims().byKey.values()];
}

/**
 * Calls `listener` for every later claim and release, from every copy of the package in this process. Returns
 * a function that unsubscribes it.
 */
export function onClaim(listener: ClaimListener): () => void {
  claims().listeners.add(listener);
  return () => void claims().listeners.delete(listener);
}

/** Whether any lease of this process would receive a claim. */
export function hasClaimListeners(): boolean {
  return claims().listeners.size > 0;
}
