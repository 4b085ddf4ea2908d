import { formatDuration } from '../core/durations';
import { isReaper, labelNames, ownerFromLabels, type Owner } from '../core/labels';
import type { ListedTarget } from '../engine/list-targets';
import { removalRefs } from '../resources/list-owned';
import type { OwnershipProof } from '../resources/ownership';
import { proveSession, type ProveOwner, type SeenOwner, type SessionProof } from './session-proof';

/** Everything that is found of one session on one engine. */
export interface FoundSession {
  readonly session: string;
  readonly things: readonly ListedTarget[];
  /** Of each of them, whether it has its labels from its creator. */
  readonly proofs: ReadonlyMap<ListedTarget, OwnershipProof>;
  /** The owners that its journals on this machine name. */
  readonly owners: readonly SeenOwner[];
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
  readonly thing: ListedTarget;
  /** The references by which to remove it, in this order. */
  readonly refs: readonly string[];
  readonly session: string;
  readonly owner?: string | undefined;
  readonly isToGo: boolean;
  readonly proof: string;
  readonly ageMs?: number | undefined;
}

/** A session with what is to be done about it. */
export interface JudgedSession {
  readonly isToGo: boolean;
  readonly proof: SessionProof;
  readonly verdicts: readonly SessionVerdict[];
}

/**
 * What is to be done about a session: its resources go together, or none of them. One that has its labels from an image, or names no
 * owner, is kept and says nothing about the others.
 */
export function judgeSession(found: FoundSession, prove: ProveOwner, rules: SweepRules): JudgedSession {
  const owned = found.things.filter((thing) => whyNotOwned(found, thing) === undefined);
  const proof = proveSession(owned, found.owners, prove);
  const ages = owned.filter(({ labels }) => !isReaper(labels)).map((thing) => ageOf(thing, rules.nowMs));
  const { isToGo, why } = mayGo(proof, ages, rules);
  const verdicts = found.things.map((thing): SessionVerdict => {
    const owner = ownerFromLabels(thing.labels);
    const words = isToGo && owner !== undefined ? (proof.proofOf(owner)?.proof ?? why) : why;
    const stays = whyNotOwned(found, thing) ?? (isToGo ? whyReaperStays(thing) : undefined);
    const ownership = found.proofs.get(thing);
    return {
      thing,
      refs: removalRefs({ ...thing, isBase: ownership?.state === 'ours' && ownership.isBase }),
      session: found.session,
      owner: describeOwner(owner),
      isToGo: isToGo && stays === undefined,
      proof: stays ?? (words === why ? why : withAge(words, proof, rules)),
      ageMs: ageOf(thing, rules.nowMs),
    };
  });
  return { isToGo, proof, verdicts };
}

/** Why a resource is not proven to be the session's; `undefined`: it is. */
function whyNotOwned({ proofs }: FoundSession, thing: ListedTarget): string | undefined {
  const proof = proofs.get(thing) ?? { state: 'ours' };
  if (proof.state !== 'ours') return proof.why;
  const hasOwner = ownerFromLabels(thing.labels) !== undefined || isReaper(thing.labels);
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
export function whyTooYoung(
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
): { readonly isToGo: boolean; readonly why: string } {
  const isElsewhere = proof.state === 'unknown' && proof.isElsewhere === true;
  const isPermitted = isElsewhere && rules.otherHosts === true && rules.olderThanMs !== undefined;
  if (proof.state !== 'dead' && !isPermitted) return { isToGo: false, why: proof.proof };
  const tooYoung = whyTooYoung(ages, rules.olderThanMs);
  if (tooYoung !== undefined) return { isToGo: false, why: `${proof.proof}, but ${tooYoung}` };
  return { isToGo: true, why: withAge(proof.proof, proof, rules) };
}

/** Nobody has proven these dead: the age that the user gave is the reason. */
function withAge(words: string, { state }: SessionProof, { olderThanMs }: SweepRules): string {
  if (state === 'dead' || olderThanMs === undefined) return words;
  return `${words}; all of its session is older than ${formatDuration(olderThanMs)}`;
}

/** A running reaper of a dead session is about to reap by itself, and to go. One that does not run never will: nobody starts it. */
function whyReaperStays({ kind, labels, status = '' }: ListedTarget): string | undefined {
  if (!isReaper(labels)) return undefined;
  const isOurs = kind === 'container' && labels[labelNames.reaper] === 'true';
  if (isOurs && ['created', 'exited', 'dead'].includes(status)) return undefined;
  return isOurs ? `a reaper, which is ${status}` : 'a reaper';
}
