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
import type { ClaimableKeys } from './claimable-keys';

/**
 * What a lease owns: all that carries every one of `labels` and is within `bounds`. Two claims of the same are one claim, whoever makes
 * them.
 */
export interface Claim {
  /** The labels in one order, and the bounds: names the claim in the state, in logs and in answers. */
  readonly key: string;
  /** `key=value`, or `key` alone; at least one has both parts. */
  readonly labels: readonly string[];
  /** By the digests of identities. */
  readonly bounds?: Bounds | undefined;
}

/** Whether `claim` covers that thing. */
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

export interface ClaimRules {
  /** Default `any`. */
  readonly claimableKeys?: ClaimableKeys | undefined;
}

export type ClaimCheck = { readonly claim: Claim } | { readonly refusal: string };

/** The most labels that one claim may have; five is the most that a Testcontainers client sends. */
const mostLabels = 64;

/** The longest claim, in characters of all its labels: what many leases hold has to fit the memory. */
const longestClaim = 4_096;

/**
 * The claim on `labels`, or why there can be none: a filter that is not about somebody's session would reap what others own.
 *
 * @see moby-ryuk#32: 58 volumes and 977 images that were not its own
 */
export function checkClaim(labels: readonly string[], rules: ClaimRules = {}, bounds?: Bounds): ClaimCheck {
  if (labels.length === 0) return { refusal: 'no label; send label=<key>=<value>' };
  if (labels.length > mostLabels) return { refusal: `${labels.length} labels; ${mostLabels} at the most` };
  const length = labels.reduce((sum, label) => sum + label.length, 0);
  if (length > longestClaim)
    return { refusal: `${length} characters of labels; ${longestClaim} at the most` };
  const identities = [...(bounds?.except ?? []), ...(bounds?.only ?? [])];
  if (!identities.every((digest) => /^[\w-]{16}$/.test(digest)))
    return { refusal: 'bounds that are no digests of identities' };
  if (identities.length > maxBoundedIdentities)
    return { refusal: `bounds of ${identities.length} things; ${maxBoundedIdentities} at the most` };
  // A line end that came percent-encoded would write lines of its own into logs.
  if (labels.some((label) => /\p{Cc}/u.test(label))) return { refusal: 'a label with a control character' };
  const keyless = labels.find((label) => label === '' || label.startsWith('='));
  if (keyless !== undefined) return { refusal: `a label without a key; send label=<key>=<value>` };
  const full = labels.filter((label) => /^[^=]+=./s.test(label));
  if (full.length === 0) return { refusal: 'no label with a value; send label=<key>=<value>' };
  const { claimableKeys = 'any' } = rules;
  if (claimableKeys !== 'any' && !full.some((label) => claimableKeys.includes(keyOf(label)))) {
    return {
      refusal: `none of its labels may be claimed here; one of ${claimableKeys.join(', ')} has to be named`,
    };
  }
  const sorted = [...new Set(labels)].toSorted();
  return { claim: { key: claimKey(sorted, bounds), labels: sorted, bounds } };
}

function keyOf(label: string): string {
  return label.slice(0, label.indexOf('='));
}
