import { processWide } from '../core/global-state';

/** Told of labels that a lease has to claim, or to give up; resolves when it has, or when there is no use in waiting longer. */
export interface ClaimListener {
  claim(labels: readonly string[]): Promise<void>;
  release(labels: readonly string[]): Promise<void>;
}

type Claims = Map<string, readonly string[]>;

const listeners = (): Set<ClaimListener> => processWide('claim listeners', () => new Set<ClaimListener>());
const claims = (): Claims => processWide('claims', (): Claims => new Map());

/**
 * Has the leases of this process claim what carries every one of `labels` (`key=value`), also those that are yet to be taken. To
 * be awaited before something is created that castoff's own labels will not be on: after a crash, the reaper knows it by these.
 * Asking again costs nothing.
 *
 * Without a session nobody listens. It does not reject for a reaper that is away.
 */
export async function claimLabels(labels: readonly string[]): Promise<void> {
  claims().set(keyOf(labels), labels);
  await Promise.all([...listeners()].map((listener) => listener.claim(labels)));
}

/** Has the leases give up such a claim: what carries the labels from now on is somebody else's. */
export async function releaseLabels(labels: readonly string[]): Promise<void> {
  if (!claims().delete(keyOf(labels))) return;
  await Promise.all([...listeners()].map((listener) => listener.release(labels)));
}

/** What is claimed now: a new lease has to begin with these. */
export function claimedLabels(): readonly (readonly string[])[] {
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
export function isClaimHeard(): boolean {
  return listeners().size > 0;
}

/** Two claims of the same labels are one, whatever their order. */
function keyOf(labels: readonly string[]): string {
  return labels.toSorted().join(' & ');
}
