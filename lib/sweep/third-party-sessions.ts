import {
  isReaper,
  isReused,
  labelNames,
  ryukLabel,
  testcontainersLabel,
  testcontainersSessionLabels,
  type Labels,
} from '../core/labels';
import type { Engine } from '../engine/engine';
import { listTargets, type ListedTarget } from '../engine/list-targets';
import { proveOwnership } from '../resources/list-owned';
import type { OwnershipProof } from '../resources/ownership';
import { ageOf, tooYoungReason, verdictOn, type ResourceVerdict, type SweepRules } from './judge-session';
import { listWithAges } from './list-with-ages';

/** The resources of Testcontainers on an engine. */
export interface ThirdPartyListing {
  /** Resources with Testcontainers' label. */
  readonly resources: readonly ListedTarget[];
  /** Ryuk-compatible reapers. */
  readonly reapers: readonly ListedTarget[];
  /** Proof, for each resource, that it has its labels from its creator. */
  readonly proofs: ReadonlyMap<ListedTarget, OwnershipProof>;
}

/** Everything on an engine that shows who owns a Testcontainers session. */
export interface ThirdPartyFindings extends ThirdPartyListing {
  /** Resources of castoff sessions that are not proven dead. */
  readonly liveResources: readonly ListedTarget[];
  /** Ids that the journals of such sessions record. */
  readonly liveIds: ReadonlySet<string>;
}

const removable =
  'Testcontainers names no process; all of its session is old enough, and its reaper is not running';

/**
 * Judges Testcontainers' leftovers. They name no process, so nothing can be proven: a session is removed as a
 * whole when all of it is old enough, no reaper that may be its own is running, and no live castoff session
 * shares it.
 */
export function judgeThirdParty(
  findings: ThirdPartyFindings,
  rules: Pick<SweepRules, 'nowMs'> & { readonly olderThanMs: number },
): readonly ResourceVerdict[] {
  const running = findings.reapers.filter((reaper) => !hasEnded(reaper) && !isSidecar(reaper));
  const listed = new Set(findings.resources.map(({ id }) => id));
  // Not every client labels its reaper as its own resource.
  const more = findings.reapers.filter((reaper) => hasEnded(reaper) && !listed.has(reaper.id));
  const resources = [...findings.resources, ...more].filter(({ labels }) => !(labelNames.session in labels));
  return resources.map((resource) => {
    const session = sessionOf(resource);
    if (isReaper(resource.labels)) return judgeThirdPartyReaper(resource, findings, rules);
    const ages = resources
      .filter(({ labels }) => !isReaper(labels) && testcontainersSession(labels) === session)
      .map((sibling) => ageOf(sibling, rules.nowMs));
    const proof = findings.proofs.get(resource);
    const reason =
      (proof === undefined || proof.state === 'ours' ? undefined : proof.reason) ??
      keptReason(resource, session, findings) ??
      reaperReason(session, running) ??
      tooYoungReason(ages, rules.olderThanMs);
    const decided = { shouldRemove: reason === undefined, proof: reason ?? removable, nowMs: rules.nowMs };
    return verdictOn(resource, { session: session ?? '', proofs: findings.proofs }, decided);
  });
}

/**
 * Lists the resources of Testcontainers, and proves, session by session, which of them have their labels from
 * their creator.
 *
 * @throws EngineError when the engine does not answer.
 */
export async function listThirdParty(engine: Engine): Promise<ThirdPartyListing> {
  const [resources, reapers] = await Promise.all([
    listWithAges(engine, [`${testcontainersLabel}=true`]),
    listTargets(engine, [`${ryukLabel}=true`], ['container']),
  ]);
  const bySession = Map.groupBy(resources, ({ labels }) => sessionFilterOf(labels));
  const proofs = new Map<ListedTarget, OwnershipProof>();
  for (const [label, ofSession] of bySession) {
    if (label === undefined) continue;
    for (const [resource, proof] of await proveOwnership(engine, ofSession, [label], []))
      proofs.set(resource, proof);
  }
  return { resources, reapers, proofs };
}

/** Returns the label of its Testcontainers session, as a filter `key=value`. */
export function sessionFilterOf(labels: Labels): string | undefined {
  const name = testcontainersSessionLabels.find((label) => (labels[label] ?? '') !== '');
  return name === undefined ? undefined : `${name}=${labels[name]}`;
}

function testcontainersSession(labels: Labels): string | undefined {
  const label = sessionFilterOf(labels);
  return label?.slice(label.indexOf('=') + 1);
}

/** A reaper that has exited is removed by its own age if it names its session, and did not inherit its labels. */
function judgeThirdPartyReaper(
  reaper: ListedTarget,
  { proofs }: ThirdPartyFindings,
  { olderThanMs, nowMs }: Pick<SweepRules, 'nowMs'> & { readonly olderThanMs: number },
): ResourceVerdict {
  const proof = proofs.get(reaper);
  const reason =
    (hasEnded(reaper) ? undefined : 'a reaper') ??
    (sessionOf(reaper) === undefined ? 'a reaper that names no session' : undefined) ??
    (proof === undefined || proof.state === 'ours' ? undefined : proof.reason) ??
    tooYoungReason([ageOf(reaper, nowMs)], olderThanMs);
  const decided = { shouldRemove: reason === undefined, proof: reason ?? 'a reaper that has exited', nowMs };
  return verdictOn(reaper, { session: sessionOf(reaper) ?? '', proofs }, decided);
}

function hasEnded({ status }: ListedTarget): boolean {
  return status === 'exited' || status === 'dead';
}

/** castoff's own reaper container serves the castoff session in its labels. In place of Ryuk, it has none. */
function isSidecar({ labels }: ListedTarget): boolean {
  return labels[labelNames.reaper] === 'true' && labelNames.session in labels;
}

/**
 * Returns the session of a resource by its labels, and of a reaper also by its name.
 *
 * @see testcontainers: `testcontainers-ryuk-<session>` in Node.js, Java, Python and .NET; `reaper_<session>` in Go
 */
function sessionOf({ labels, name }: ListedTarget): string | undefined {
  const named = isReaper(labels) ? /^(?:testcontainers-ryuk-|reaper_)(.+)$/.exec(name)?.[1] : undefined;
  return testcontainersSession(labels) ?? named;
}

function keptReason(
  { labels }: ListedTarget,
  session: string | undefined,
  { liveResources, liveIds, resources }: ThirdPartyFindings,
): string | undefined {
  if (isReused(labels)) return 'created for reuse by the next run';
  if (session === undefined) return 'it names no session';
  const isShared =
    liveResources.some((live) => testcontainersSession(live.labels) === session) ||
    resources.some(
      (resource) => liveIds.has(resource.id) && testcontainersSession(resource.labels) === session,
    );
  return isShared ? 'a castoff session that is not proven dead shares it' : undefined;
}

function reaperReason(session: string | undefined, running: readonly ListedTarget[]): string | undefined {
  for (const reaper of running) {
    const served = sessionOf(reaper);
    // A reaper whose session is unknown may serve any session.
    if (served === undefined) return `its reaper may be ${reaper.name}, which is running`;
    if (served === session) return `its reaper ${reaper.name} is running`;
  }
  return undefined;
}
