import { formatDuration } from '../core/durations';
import { isReaper, labelNames, ownerFromLabels, type Owner } from '../core/labels';
import type { ListedTarget } from '../engine/list-targets';
import type { OwnershipProof } from '../resources/ownership';
import type { FoundResource, SweptResource } from './sweep-report';
import type { SessionJournals } from '../registry/session-journals';
import { proveSession, type ProveOwner, type SessionProof } from './session-proof';

/** Everything found about one session on one engine. */
export interface FoundSession {
  readonly session: string;
  readonly resources: readonly ListedTarget[];
  /** Proof, for each resource, that it has its labels from its creator. */
  readonly proofs: ReadonlyMap<ListedTarget, OwnershipProof>;
  /** Its journals on this machine, if it has any. */
  readonly journals?: SessionJournals | undefined;
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

/** Whether to remove one listed resource; its `proof` is the reason. */
export interface ResourceVerdict {
  readonly resource: FoundResource;
  readonly target: ListedTarget;
  /** Whether a kept image was built on it: only its tags can be removed. */
  readonly isBase: boolean;
  readonly shouldRemove: boolean;
}

/** A session, and whether to remove each of its resources. */
export interface JudgedSession extends FoundSession {
  readonly shouldRemove: boolean;
  readonly proof: SessionProof;
  readonly verdicts: readonly ResourceVerdict[];
}

/**
 * Judges a session: its resources are removed together, or not at all. A resource that inherited its labels
 * from an image, or names no owner, is kept, and does not count for the others.
 */
export function judgeSession(found: FoundSession, prove: ProveOwner, rules: SweepRules): JudgedSession {
  const owned = found.resources.filter((resource) => notOwnedReason(found, resource) === undefined);
  const proof = proveSession({ ...found, resources: owned }, prove);
  const ages = owned
    .filter(({ labels }) => !isReaper(labels))
    .map((resource) => ageOf(resource, rules.nowMs));
  const { shouldRemove, reason } = decide(proof, ages, rules);
  const verdicts = found.resources.map((resource): ResourceVerdict => {
    const owner = ownerFromLabels(resource.labels);
    const ownReason = shouldRemove && owner !== undefined ? (proof.proofOf(owner)?.proof ?? reason) : reason;
    const keptReason =
      notOwnedReason(found, resource) ?? (shouldRemove ? reaperKeptReason(resource) : undefined);
    return verdictOn(resource, found, {
      shouldRemove: shouldRemove && keptReason === undefined,
      proof: keptReason ?? (ownReason === reason ? reason : withAge(ownReason, proof, rules)),
      nowMs: rules.nowMs,
    });
  });
  return { ...found, shouldRemove, proof, verdicts };
}

/** Returns the verdict on a resource of a session. */
export function verdictOn(
  target: ListedTarget,
  { session, proofs }: Pick<FoundSession, 'session' | 'proofs'>,
  decided: Pick<SweptResource, 'proof'> & Pick<ResourceVerdict, 'shouldRemove'> & Pick<SweepRules, 'nowMs'>,
): ResourceVerdict {
  const { kind, id, name, labels } = target;
  const { shouldRemove, proof, nowMs } = decided;
  const owner = describeOwner(ownerFromLabels(labels));
  const ownership = proofs.get(target);
  return {
    resource: { kind, id, name, session, owner, proof, ageMs: ageOf(target, nowMs) },
    target,
    isBase: ownership?.state === 'ours' && ownership.isBase === true,
    shouldRemove,
  };
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
  // Ryuk may be about to start.
  const ended = isOurs ? ['created', 'exited', 'dead'] : ['exited', 'dead'];
  if (kind === 'container' && ended.includes(status)) return undefined;
  return isOurs ? `a reaper that is ${status}` : 'a reaper';
}
