import { isReaper, labelNames } from '../core/labels';
import type { Engine } from '../engine/engine';
import type { ListedTarget } from '../engine/list-targets';
import { proveOwnership, removalRefs } from '../resources/list-owned';
import type { OwnershipProof } from '../resources/ownership';
import { ageOf, tooYoungReason, type SessionVerdict } from './judge-session';

/** Testcontainers of every language labels what it makes with this. */
export const testcontainersLabel = 'org.testcontainers=true';

/** Under what its session stands: Node and Python; Go and Java; .NET. */
const sessionLabels = [
  'org.testcontainers.session-id',
  'org.testcontainers.sessionId',
  'org.testcontainers.resource-reaper-session',
];

export interface ThirdPartyRules {
  readonly olderThanMs: number;
  /** The engine's time. */
  readonly nowMs: number;
}

/** Everything on an engine that says whose a Testcontainers session is. */
export interface ThirdPartyFindings {
  /** What carries Testcontainers' label and no session of castoff's. */
  readonly resources: readonly ListedTarget[];
  /** Reapers of Testcontainers' kind. */
  readonly reapers: readonly ListedTarget[];
  /** What belongs to sessions of castoff's that are not over. */
  readonly ofLiving: readonly ListedTarget[];
  /** The ids of what the journals of such sessions name. */
  readonly idsOfLiving: ReadonlySet<string>;
  /** Whether the labels of `things` are their own. */
  readonly proofs: ReadonlyMap<ListedTarget, OwnershipProof>;
}

/**
 * What is to be done about Testcontainers' leftovers. They name no process, so that nothing can be proven: a session goes as a
 * whole when all of it is old enough, no reaper runs that may be its own, and no living castoff session has a part in it.
 */
export function judgeThirdParty(
  findings: ThirdPartyFindings,
  rules: ThirdPartyRules,
): readonly SessionVerdict[] {
  const running = findings.reapers.filter(({ status }) => status !== 'exited' && status !== 'dead');
  const resources = findings.resources.filter(({ labels }) => !(labelNames.session in labels));
  return resources.map((resource) => {
    const session = testcontainersSession(resource.labels);
    const mates = resources.filter(
      (other) => !isReaper(other.labels) && testcontainersSession(other.labels) === session,
    );
    const proof = findings.proofs.get(resource);
    const reason =
      (proof === undefined || proof.state === 'ours' ? undefined : proof.reason) ??
      keptReason(resource, session, findings) ??
      reaperReason(session, running) ??
      tooYoungReason(
        mates.map((mate) => ageOf(mate, rules.nowMs)),
        rules.olderThanMs,
      );
    return {
      resource,
      refs: removalRefs({ ...resource, isBase: proof?.state === 'ours' && proof.isBase === true }),
      session: session ?? '',
      shouldRemove: reason === undefined,
      proof:
        reason ??
        'Testcontainers names no process; all of its session is old enough, and no reaper of it runs',
      ageMs: ageOf(resource, rules.nowMs),
    };
  });
}

/**
 * Proves, session by session, which of Testcontainers' leftovers have their labels from their creator.
 *
 * @throws EngineError when the engine goes away.
 */
export async function proveThirdParty(
  engine: Engine,
  resources: readonly ListedTarget[],
): Promise<ReadonlyMap<ListedTarget, OwnershipProof>> {
  const bySession = Map.groupBy(resources, ({ labels }) => testcontainersSessionLabel(labels));
  const proofs = new Map<ListedTarget, OwnershipProof>();
  for (const [label, ofSession] of bySession) {
    if (label === undefined) continue;
    for (const [resource, proof] of await proveOwnership(engine, ofSession, [label], []))
      proofs.set(resource, proof);
  }
  return proofs;
}

/** The label of its Testcontainers session, as a filter. */
export function testcontainersSessionLabel(labels: Readonly<Record<string, string>>): string | undefined {
  const name = sessionLabels.find((label) => (labels[label] ?? '') !== '');
  return name === undefined ? undefined : `${name}=${labels[name]}`;
}

function testcontainersSession(labels: Readonly<Record<string, string>>): string | undefined {
  const label = testcontainersSessionLabel(labels);
  return label?.slice(label.indexOf('=') + 1);
}

function keptReason(
  { labels }: ListedTarget,
  session: string | undefined,
  { ofLiving, idsOfLiving, resources }: ThirdPartyFindings,
): string | undefined {
  if (isReaper(labels)) return 'a reaper';
  // `org.testcontainers.container-hash` (Node), `.hash` (Java), `.reuse-hash` (.NET)
  if (Object.keys(labels).some((label) => /^org\.testcontainers\..*hash$/.test(label)))
    return 'made to be used again by the next run';
  if (session === undefined) return 'it names no session';
  const isShared =
    ofLiving.some((living) => testcontainersSession(living.labels) === session) ||
    resources.some(
      (resource) => idsOfLiving.has(resource.id) && testcontainersSession(resource.labels) === session,
    );
  return isShared ? 'a session of castoff that is not over has a part in it' : undefined;
}

function reaperReason(session: string | undefined, running: readonly ListedTarget[]): string | undefined {
  for (const { name, labels } of running) {
    const served = testcontainersSession(labels);
    // One that does not say whom it serves may serve anybody.
    if (served === undefined) return `its reaper may be ${name}, which runs`;
    if (served === session) return `its reaper ${name} runs`;
  }
  return undefined;
}
