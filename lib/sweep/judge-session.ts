import { formatDuration } from '../core/durations';
import { isReaper, labelNames, ownerFromLabels, type Owner } from '../core/labels';
import type { ListedTarget } from '../engine/list-targets';
import { removalRefs } from '../resources/list-owned';
import type { OwnershipProof } from '../resources/ownership';
import { proveSession, type ProveOwner, type ObservedOwner, type SessionProof } from './session-proof';

/** Everything found about one session on one engine. */
export interface FoundSession {
  readonly session: string;
  readonly resources: readonly ListedTarget[];
  /** Proof, for each resource, that it has its labels from its creator. */
  readonly proofs: ReadonlyMap<ListedTarget, OwnershipProof>;
  /** Owners named in its journals on this machine. */
  readonly owners: readonly ObservedOwner[];
}

/** Rules of a sweep, from its options. */
export interface SweepRules {
  /** Removes only sessions whose every resource is older than this, in milliseconds. */
  readonly olderThanMs?: number | undefined;
  /** Whether to also remove what owners left that cannot be checked from here; needs an age. */
  readonly otherHosts?: boolean | undefined;
  /** The engine's time, in milliseconds since the epoch. */
  readonly nowMs: number;
}

/** Whether to remove one resource, and why. */
export interface SessionVerdict {
  readonly resource: ListedTarget;
  /** References to remove, in this order. */
  readonly refs: readonly string[];
  readonly session: string;
  readonly owner?: string | undefined;
  readonly shouldRemove: boolean;
  readonly proof: string;
  readonly ageMs?: number | undefined;
}

/** A session, and whether to remove each of its resources. */
export interface JudgedSession {
  readonly shouldRemove: boolean;
  readonly proof: SessionProof;
  readonly verdicts: readonly SessionVerdict[];
}

/**
 * Judges a session: its resources are removed together, or not at all. A resource that inherited its labels
 * from an image, or names no owner, is kept, and does not count for the others.
 */
export function judgeSession(found: FoundSession, prove: ProveOwner, rules: SweepRules): JudgedSession {
  const owned = found.resources.filter((resource) => notOwnedReason(found, resource) === undefined);
  const proof = proveSession(owned, found.owners, prove);
  const ages = owned
    .filter(({ labels }) => !isReaper(labels))
    .map((resource) => ageOf(resource, rules.nowMs));
  const { shouldRemove, reason } = decide(proof, ages, rules);
  const verdicts = found.resources.map((resource): SessionVerdict => {
    const owner = ownerFromLabels(resource.labels);
    const ownReason = shouldRemove && owner !== undefined ? (proof.proofOf(owner)?.proof ?? reason) : reason;
    const keptReason =
      notOwnedReason(found, resource) ?? (shouldRemove ? reaperKeptReason(resource) : undefined);
    const ownership = found.proofs.get(resource);
    return {
      resource,
      refs: removalRefs({ ...resource, isBase: ownership?.state === 'ours' && ownership.isBase }),
      session: found.session,
      owner: describeOwner(owner),
      shouldRemove: shouldRemove && keptReason === undefined,
      proof: keptReason ?? (ownReason === reason ? reason : withAge(ownReason, proof, rules)),
      ageMs: ageOf(resource, rules.nowMs),
    };
  });
  return { shouldRemove, proof, verdicts };
}

/** Returns why a resource is not proven to be the session's, or `undefined` when it is. */
function notOwnedReason({ proofs }: FoundSession, resource: ListedTarget): string | undefined {
  const proof = proofs.get(resource) ?? { state: 'ours' };
  if (proof.state !== 'ours') return proof.reason;
  const hasOwner = ownerFromLabels(resource.labels) !== undefined || isReaper(resource.labels);
  return hasOwner ? undefined : 'it names no owner';
}

/** Formats an owner, such as `build-7 pid 4711`. */
export function describeOwner(owner: Owner | undefined): string | undefined {
  return owner === undefined ? undefined : `${owner.host} pid ${owner.pid}`;
}

/**
 * Returns the age in milliseconds by the engine's clock, or `undefined` when the engine reports no creation
 * time.
 */
export function ageOf({ createdAtMs }: ListedTarget, nowMs: number): number | undefined {
  return createdAtMs === undefined ? undefined : nowMs - createdAtMs;
}

/**
 * Returns why resources of these ages are not all old enough, or `undefined` when they are. Unknown ages are
 * not old enough.
 */
export function tooYoungReason(
  ages: readonly (number | undefined)[],
  olderThanMs: number | undefined,
): string | undefined {
  if (olderThanMs === undefined) return undefined;
  const known = ages.filter((age) => age !== undefined);
  if (known.length < ages.length) return 'the age of a resource of its session is unknown';
  const youngest = known.reduce((least, age) => Math.min(least, age), Number.POSITIVE_INFINITY);
  return youngest > olderThanMs
    ? undefined
    : `the youngest resource of its session is only ${formatDuration(youngest)} old`;
}

function decide(
  proof: SessionProof,
  ages: readonly (number | undefined)[],
  rules: SweepRules,
): { readonly shouldRemove: boolean; readonly reason: string } {
  const isElsewhere = proof.state === 'unknown' && proof.isElsewhere === true;
  const isPermitted = isElsewhere && rules.otherHosts === true && rules.olderThanMs !== undefined;
  if (proof.state !== 'dead' && !isPermitted) return { shouldRemove: false, reason: proof.proof };
  const tooYoung = tooYoungReason(ages, rules.olderThanMs);
  if (tooYoung !== undefined) return { shouldRemove: false, reason: `${proof.proof}, but ${tooYoung}` };
  return { shouldRemove: true, reason: withAge(proof.proof, proof, rules) };
}

/** Adds the age to a reason when the owners are not proven dead. */
function withAge(reason: string, { state }: SessionProof, { olderThanMs }: SweepRules): string {
  if (state === 'dead' || olderThanMs === undefined) return reason;
  return `${reason}; every resource of its session is older than ${formatDuration(olderThanMs)}`;
}

/**
 * A running reaper of a dead session is about to reap and exit. One that does not run never will, since
 * nothing restarts it.
 */
function reaperKeptReason({ kind, labels, status = '' }: ListedTarget): string | undefined {
  if (!isReaper(labels)) return undefined;
  const isOurs = kind === 'container' && labels[labelNames.reaper] === 'true';
  if (isOurs && ['created', 'exited', 'dead'].includes(status)) return undefined;
  return isOurs ? `a reaper that is ${status}` : 'a reaper';
}
