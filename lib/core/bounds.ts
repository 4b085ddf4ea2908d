import { createHash } from 'node:crypto';

/** Restricts a claim to some of the resources with its labels, by identity. Default: all of them. */
export interface Bounds {
  /** Identities that the claim leaves out: they existed before it. */
  readonly except?: readonly string[] | undefined;
  /** The only identities that the claim covers. */
  readonly only?: readonly string[] | undefined;
}

/** The number of identities that the bounds of one claim may list; a reaper accepts no more. */
export const maxBoundedIdentities = 200;

/** The labels and bounds of a claim. */
export interface BoundedLabels {
  readonly labels: readonly string[];
  readonly bounds?: Bounds | undefined;
}

/** Returns whether `bounds` cover the resource with that identity. */
export function isWithin(identity: string, { except, only }: Bounds): boolean {
  const isExcepted =
    except?.includes(identity) === true || except?.includes(withoutCreationTime(identity)) === true;
  return !isExcepted && only?.includes(identity) !== false;
}

/**
 * Returns a volume's identity without its creation time, which matches every volume of that name; other
 * identities unchanged.
 */
export function withoutCreationTime(identity: string): string {
  return identity.startsWith('volume ') ? identity.slice(0, identity.lastIndexOf(' ') + 1) : identity;
}

/** Returns the key of a claim: the same for the same labels and bounds, in any order. */
export function claimKey(labels: readonly string[], { except, only }: Bounds = {}): string {
  const parts = [
    labels.toSorted().join(' & '),
    ...(except === undefined ? [] : [`all but ${formatCount(except)}`]),
    ...(only === undefined ? [] : [`only ${formatCount(only)}`]),
  ];
  return parts.join(', ');
}

/**
 * Parses bounds from JSON. Returns `undefined` when they are invalid: without its bounds, a claim would cover
 * resources of other owners.
 */
export function parseBounds(value: unknown): Bounds | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { except, only, ...others } = value as Readonly<Record<string, unknown>>;
  if (Object.keys(others).length > 0 || (except === undefined && only === undefined)) return undefined;
  return isOptionalList(except) && isOptionalList(only) ? { except, only } : undefined;
}

function isOptionalList(value: unknown): value is readonly string[] | undefined {
  return value === undefined || (Array.isArray(value) && value.every((item) => typeof item === 'string'));
}

/**
 * Returns `bounds` as a reaper stores them: with digests, because identities are long and a reaper holds many
 * claims.
 */
export function digestBounds(bounds: Bounds | undefined): Bounds | undefined {
  if (bounds === undefined) return undefined;
  return { except: bounds.except?.map(digestIdentity), only: bounds.only?.map(digestIdentity) };
}

/** Returns a digest of 96 bits, enough to be unique on one engine. */
export function digestIdentity(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}

// `2 (k3J9…)`: the digest distinguishes claims on the same number of resources.
function formatCount(identities: readonly string[]): string {
  return `${identities.length} (${digestIdentity([...new Set(identities)].toSorted().join('\n'))})`;
}
