import type { ClaimableKeys } from './claimable-keys';

/**
 * What a lease owns: all that carries every one of `labels`. Two claims of the same labels are one claim, whoever makes them.
 */
export interface Claim {
  /** The labels in one order: names the claim in the state, in logs and in answers. */
  readonly key: string;
  /** `key=value`, or `key` alone; at least one has both parts. */
  readonly labels: readonly string[];
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
export function checkClaim(labels: readonly string[], rules: ClaimRules = {}): ClaimCheck {
  if (labels.length === 0) return { refusal: 'no label; send label=<key>=<value>' };
  if (labels.length > mostLabels) return { refusal: `${labels.length} labels; ${mostLabels} at the most` };
  const length = labels.reduce((sum, label) => sum + label.length, 0);
  if (length > longestClaim)
    return { refusal: `${length} characters of labels; ${longestClaim} at the most` };
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
  return { claim: { key: sorted.join(' & '), labels: sorted } };
}

function keyOf(label: string): string {
  return label.slice(0, label.indexOf('='));
}
