import { createHash } from 'node:crypto';

/** Which of the things that carry a claim's labels it covers, by their identities. Default: all of them. */
export interface Bounds {
  /** Not these: they were there before. */
  readonly except?: readonly string[] | undefined;
  /** These, and no others. */
  readonly only?: readonly string[] | undefined;
}

/** So many things the bounds of one claim may name: a reaper takes no more. */
export const maxBoundedIdentities = 200;

/** A claim's labels, and how far it goes. */
export interface BoundedLabels {
  readonly labels: readonly string[];
  readonly bounds?: Bounds | undefined;
}

/** Whether the thing of that identity is one of those that `bounds` covers. */
export function isWithin(identity: string, { except, only }: Bounds): boolean {
  const isExcepted =
    except?.includes(identity) === true || except?.includes(withoutCreationTime(identity)) === true;
  return !isExcepted && only?.includes(identity) !== false;
}

/** The identity of any volume of that name; identities of other kinds unchanged. */
export function withoutCreationTime(identity: string): string {
  return identity.startsWith('volume ') ? identity.slice(0, identity.lastIndexOf(' ') + 1) : identity;
}

/** The key of a claim: claims with the same labels and bounds, in any order, have the same key. */
export function claimKey(labels: readonly string[], { except, only }: Bounds = {}): string {
  const parts = [
    labels.toSorted().join(' & '),
    ...(except === undefined ? [] : [`all but ${countOf(except)}`]),
    ...(only === undefined ? [] : [`only ${countOf(only)}`]),
  ];
  return parts.join(', ');
}

/** Parses bounds from JSON; `undefined` when invalid, because a claim without its bounds would cover resources of others. */
export function parseBounds(value: unknown): Bounds | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { except, only, ...others } = value as Readonly<Record<string, unknown>>;
  if (Object.keys(others).length > 0 || (except === undefined && only === undefined)) return undefined;
  return isListOrNone(except) && isListOrNone(only) ? { except, only } : undefined;
}

function isListOrNone(value: unknown): value is readonly string[] | undefined {
  return value === undefined || (Array.isArray(value) && value.every((one) => typeof one === 'string'));
}

/** The same bounds as a reaper takes them: an identity may be long, and many claims have to fit its memory. */
export function digestBounds(bounds: Bounds | undefined): Bounds | undefined {
  if (bounds === undefined) return undefined;
  return { except: bounds.except?.map(digestIdentity), only: bounds.only?.map(digestIdentity) };
}

/** 96 bits: no two things of one engine share them. */
export function digestIdentity(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}

// `2 (k3J9…)`: the digest tells apart two claims on as many things.
function countOf(identities: readonly string[]): string {
  return `${identities.length} (${digestIdentity([...new Set(identities)].toSorted().join('\n'))})`;
}
