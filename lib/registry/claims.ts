import { claimKey, type BoundedLabels, type Bounds } from '../core/bounds';
import { processWide } from '../core/global-state';

/** Told of labels that a lease has to claim, or to give up; resolves when it has, or when there is no use in waiting longer. */
export interface ClaimListener {
  claim(labels: readonly string[], bounds?: Bounds): Promise<void>;
  release(labels: readonly string[], bounds?: Bounds): Promise<void>;
}

type Claims = Map<string, BoundedLabels>;

const listeners = (): Set<ClaimListener> => processWide('claim listeners', () => new Set<ClaimListener>());
const claims = (): Claims => processWide('claims', (): Claims => new Map());

/**
 * Has the leases of this process claim what carries every one of `labels` (`key=value`) and is within `bounds`, also those that are yet to be taken. To
 * be awaited before something is created that castoff's own labels will not be on: after a crash, the reaper knows it by these.
 * Asking again costs nothing.
 *
 * Without a session nobody listens. It does not reject for a reaper that is away.
 */
export async function claimLabels(labels: readonly string[], bounds?: Bounds): Promise<void> {
  claims().set(claimKey(labels, bounds), { labels, bounds });
  await Promise.all([...listeners()].map((listener) => listener.claim(labels, bounds)));
}

/** Has the leases give up such a claim: what carries the labels from now on is somebody else's. */
export async function releaseLabels(labels: readonly string[], bounds?: Bounds): Promise<void> {
  if (!claims().delete(claimKey(labels, bounds))) return;
  await Promise.all([...listeners()].map((listener) => listener.release(labels, bounds)));
}

/** What is claimed now: a new lease has to begin with these. */
export function claimedLabels(): readonly BoundedLabels[] {
  return [...claims().values()];
}

/**
 * Has `listener` told of every claim and release from now on, whichever copy of the package it comes from. Returns what ends
 * that.
 */
export function onClaim(listener: ClaimListener): () => void {
  listeners().add(listener);
  return () => void listeners().delete(listener);
}

/** Whether any lease of this process would hear of a claim. */
export function hasClaimListeners(): boolean {
  return listeners().size > 0;
}
