import {
  claimKey,
  digestIdentity,
  isWithin,
  maxBoundedIdentities,
  type Bounds,
  withoutCreationTime,
} from '../../core/bounds';
import { carriesLabels } from '../../engine/carries-labels';
import { identityOf } from '../../engine/identity';
import type { ListedTarget } from '../../engine/list-targets';
import type { ClaimableKeys } from './reaper-mode';

/**
 * A label filter that a lease owns: it covers every resource that carries all `labels` and is within
 * `bounds`. Claims with the same labels and bounds are one claim, whichever clients make them.
 */
export interface Claim {
  /** Sorted labels and bounds. Identifies the claim in the state, in logs and in responses. */
  readonly key: string;
  /** `key=value` or a bare `key`; at least one has a value. */
  readonly labels: readonly string[];
  /** Digests of identities. */
  readonly bounds?: Bounds | undefined;
}

/** Whether `claim` covers `target`. */
export function isCovered(
  claim: Pick<Claim, 'labels' | 'bounds'>,
  target: Pick<ListedTarget, 'kind' | 'id' | 'createdAt' | 'labels'>,
): boolean {
  if (!carriesLabels(target.labels, claim.labels)) return false;
  if (claim.bounds === undefined) return true;
  const identity = identityOf(target);
  const isExcepted = claim.bounds.except?.includes(digestIdentity(withoutCreationTime(identity))) === true;
  return !isExcepted && isWithin(digestIdentity(identity), claim.bounds);
}

type ClaimCheck = { readonly claim: Claim } | { readonly refusal: string };

/** Per claim; Testcontainers clients send at most five. */
const maxLabels = 64;

/** Total length of the labels of one claim: the claims of all leases must fit the memory. */
const maxClaimCharacters = 4_096;

/**
 * Validates a claim. Returns the claim, or the reason for its refusal: a filter that does not identify a
 * session would reap resources of others.
 *
 * @see moby-ryuk#32: 58 volumes and 977 images that were not its own
 */
export function checkClaim(
  labels: readonly string[],
  claimableKeys: ClaimableKeys = 'any',
  bounds?: Bounds,
): ClaimCheck {
  if (labels.length === 0) return { refusal: 'no label; send label=<key>=<value>' };
  if (labels.length > maxLabels) return { refusal: `${labels.length} labels; at most ${maxLabels} allowed` };
  const length = labels.reduce((sum, label) => sum + label.length, 0);
  if (length > maxClaimCharacters)
    return { refusal: `${length} characters of labels; at most ${maxClaimCharacters} allowed` };
  const identities = [...(bounds?.except ?? []), ...(bounds?.only ?? [])];
  if (!identities.every((digest) => /^[\w-]{16}$/.test(digest)))
    return { refusal: 'bounds: not digests of identities' };
  if (identities.length > maxBoundedIdentities)
    return { refusal: `bounds: ${identities.length} resources; at most ${maxBoundedIdentities} allowed` };
  // A percent-encoded line end would forge log lines.
  if (labels.some((label) => /\p{Cc}/u.test(label))) return { refusal: 'a label with a control character' };
  const keyless = labels.find((label) => label === '' || label.startsWith('='));
  if (keyless !== undefined) return { refusal: `a label without a key; send label=<key>=<value>` };
  const full = labels.filter((label) => /^[^=]+=./s.test(label));
  if (full.length === 0) return { refusal: 'no label with a value; send label=<key>=<value>' };
  if (claimableKeys !== 'any' && !full.some((label) => claimableKeys.includes(keyOf(label))))
    return { refusal: `no claimable label; at least one key must be one of ${claimableKeys.join(', ')}` };
  const sorted = [...new Set(labels)].toSorted();
  return { claim: { key: claimKey(sorted, bounds), labels: sorted, bounds } };
}

function keyOf(label: string): string {
  return label.slice(0, label.indexOf('='));
}
