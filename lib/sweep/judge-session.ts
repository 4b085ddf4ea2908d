import { formatDuration } from '../core/durations';
import { isReaper, labelNames, ownerFromLabels, type Owner } from '../core/labels';
import type { ListedTarget } from '../engine/list-targets';
import { removalRefs } from '../resources/list-owned';
import type { OwnershipProof } from '../resources/ownership';
import { proveSession, type ProveOwner, type ObservedOwner, type SessionProof } from './session-proof';

/** Everything that is found of one session on one engine. */
export interface FoundSession {
  readonly session: string;
  readonly resources: readonly ListedTarget[];
  /** Of each of them, whether it has its labels from its creator. */
  readonly proofs: ReadonlyMap<ListedTarget, OwnershipProof>;
  /** The owners that its journals on this machine name. */
  readonly owners: readonly ObservedOwner[];
}

export interface SweepRules {
  /** Only what is older than this goes, all of its session with it. */
  readonly olderThanMs?: number | undefined;
  /** Also what owners left that cannot be seen from here; needs an age. */
  readonly otherHosts?: boolean | undefined;
  /** The engine's time. */
  readonly nowMs: number;
}

/** What is to be done about one thing, and why. */
export interface SessionVerdict {
  readonly resource: ListedTarget;
  /** The references by which to remove it, in this order. */
  readonly refs: readonly string[];
  readonly session: string;
  readonly owner?: string | undefined;
  readonly shouldRemove: boolean;
  readonly proof: string;
  readonly ageMs?: number | undefined;
}

/** A session with what is to be done about it. */
export interface JudgedSession {
  readonly shouldRemove: boolean;
  readonly proof: SessionProof;
  readonly verdicts: readonly SessionVerdict[];
}

/**
 * What is to be done about a session: its resources go together, or none of them. One that has its labels from an image, or names no
 * owner, is kept and says nothing about the others.
 */
export function judgeSession(found: FoundSession, prove: ProveOwner, rules: SweepRules): JudgedSession {
  const owned = found.resources.filter((resource) => notOwnedReason(found, resource) === undefined);
  const proof = proveSession(owned, found.owners, prove);
  const ages = owned
    .filter(({ labels }) => !isReaper(labels))
    .map((resource) => ageOf(resource, rules.nowMs));
  const { shouldRemove, reason } = mayGo(proof, ages, rules);
  const verdicts = found.resources.map((resource): SessionVerdict => {
    const owner = ownerFromLabels(resource.labels);
    const words = shouldRemove && owner !== undefined ? (proof.proofOf(owner)?.proof ?? reason) : reason;
    const stays = notOwnedReason(found, resource) ?? (shouldRemove ? reaperKeptReason(resource) : undefined);
    const ownership = found.proofs.get(resource);
    return {
      resource,
      refs: removalRefs({ ...resource, isBase: ownership?.state === 'ours' && ownership.isBase }),
      session: found.session,
      owner: describeOwner(owner),
      shouldRemove: shouldRemove && stays === undefined,
      proof: stays ?? (words === reason ? reason : withAge(words, proof, rules)),
      ageMs: ageOf(resource, rules.nowMs),
    };
  });
  return { shouldRemove, proof, verdicts };
}

/** Why a resource is not proven to be the session's; `undefined`: it is. */
function notOwnedReason({ proofs }: FoundSession, resource: ListedTarget): string | undefined {
  const proof = proofs.get(resource) ?? { state: 'ours' };
  if (proof.state !== 'ours') return proof.reason;
  const hasOwner = ownerFromLabels(resource.labels) !== undefined || isReaper(resource.labels);
  return hasOwner ? undefined : 'it names no owner';
}

/** `build-7 pid 4711` */
export function describeOwner(owner: Owner | undefined): string | undefined {
  return owner === undefined ? undefined : `${owner.host} pid ${owner.pid}`;
}

/** By the engine's clock; `undefined` where the engine does not tell when it was created. */
export function ageOf({ createdAtMs }: ListedTarget, nowMs: number): number | undefined {
  return createdAtMs === undefined ? undefined : nowMs - createdAtMs;
}

/** Why things of these ages are not all old enough; `undefined`: they are. An unknown age is none. */
export function tooYoungReason(
  ages: readonly (number | undefined)[],
  olderThanMs: number | undefined,
): string | undefined {
  if (olderThanMs === undefined) return undefined;
  const known = ages.filter((age) => age !== undefined);
  if (known.length < ages.length) return 'how old something of its session is cannot be known';
  const youngest = known.reduce((least, age) => Math.min(least, age), Number.POSITIVE_INFINITY);
  return youngest > olderThanMs
    ? undefined
    : `its session's youngest is only ${formatDuration(youngest)} old`;
}

function mayGo(
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

/** Nobody has proven these dead: the age that the user gave is the reason. */
function withAge(words: string, { state }: SessionProof, { olderThanMs }: SweepRules): string {
  if (state === 'dead' || olderThanMs === undefined) return words;
  return `${words}; all of its session is older than ${formatDuration(olderThanMs)}`;
}

/** A running reaper of a dead session is about to reap by itself, and to go. One that does not run never will: nobody starts it. */
function reaperKeptReason({ kind, labels, status = '' }: ListedTarget): string | undefined {
  if (!isReaper(labels)) return undefined;
  const isOurs = kind === 'container' && labels[labelNames.reaper] === 'true';
  if (isOurs && ['created', 'exited', 'dead'].includes(status)) return undefined;
  return isOurs ? `a reaper, which is ${status}` : 'a reaper';
}
