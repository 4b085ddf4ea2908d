import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ownershipLabels, type Owner } from '../../lib/core/labels';
import type { ListedTarget } from '../../lib/engine/list-targets';
import type { OwnerProof } from '../../lib/processes/owner-proof';
import { judgeSession, type FoundSession, type SweepRules } from '../../lib/sweep/judge-session';
import type { ObservedOwner } from '../../lib/registry/session-journals';

const nowMs = Date.parse('2026-11-21T12:00:00Z');
const hourMs = 3_600_000;
const states = ['alive', 'dead', 'unknown', 'elsewhere'] as const;
type State = (typeof states)[number];

/** The host name of an owner encodes its state. */
function ownerThatIs(state: State, pid = 1): Owner {
  return { host: state, pid, boot: 'b', pidStart: '1', pidNamespace: '1' };
}

function prove({ host }: Owner): OwnerProof {
  if (host === 'elsewhere') return { state: 'unknown', proof: 'is elsewhere', isElsewhere: true };
  return { state: host as OwnerProof['state'], proof: `is ${host}` };
}

function resource(id: string, owner: Owner | undefined, ageMs = 2 * hourMs): ListedTarget {
  const createdAt = new Date(nowMs - ageMs);
  const labels =
    owner === undefined ? { 'castoff.session': 's' } : ownershipLabels({ session: 's', owner, createdAt });
  return { kind: 'container', id, name: id, labels, createdAtMs: createdAt.getTime(), status: 'running' };
}

type Found = Partial<Pick<FoundSession, 'resources' | 'proofs'>> & {
  readonly owners?: readonly ObservedOwner[];
};

function judge({ owners = [], ...found }: Found, rules: Partial<SweepRules> = {}) {
  const journals = { session: 's', files: [], owners, unfinished: [], processes: [] };
  const session: FoundSession = { session: 's', resources: [], proofs: new Map(), journals, ...found };
  return judgeSession(session, prove, { nowMs, ...rules });
}

function goes(found: Found, rules: Partial<SweepRules> = {}): readonly string[] {
  return judge(found, rules)
    .verdicts.filter(({ shouldRemove }) => shouldRemove)
    .map((verdict) => verdict.resource.id);
}

describe('judgeSession', () => {
  it('removes all of a session when every owner is dead, each resource with its own owner’s proof', () => {
    const resources = [resource('one', ownerThatIs('dead', 1)), resource('two', ownerThatIs('dead', 2))];
    expect(judge({ resources }).verdicts).toMatchObject([
      { shouldRemove: true, resource: { owner: 'dead pid 1', proof: 'is dead', ageMs: 2 * hourMs } },
      { shouldRemove: true, resource: { owner: 'dead pid 2', proof: 'is dead' } },
    ]);
  });

  it.each<State>(['alive', 'unknown', 'elsewhere'])(
    'keeps all of a session when one owner is %s',
    (state) => {
      const resources = [resource('one', ownerThatIs('dead')), resource('two', ownerThatIs(state))];
      const { verdicts } = judge({ resources });
      expect(verdicts.map(({ shouldRemove }) => shouldRemove)).toEqual([false, false]);
      expect(verdicts.map(({ resource: { proof } }) => proof)).toEqual([`is ${state}`, `is ${state}`]);
    },
  );

  it('keeps a session when a journal names a live owner', () => {
    const resources = [resource('one', ownerThatIs('dead'))];
    expect(goes({ resources, owners: [{ owner: ownerThatIs('alive') }] })).toEqual([]);
  });

  it('removes a session without resources that name no owner or inherit their labels', () => {
    const [one, two, three] = [
      resource('one', ownerThatIs('dead')),
      resource('two', undefined),
      resource('three', ownerThatIs('dead'), 0),
    ];
    const proofs = new Map([[three, { state: 'not-ours', reason: 'it was committed' } as const]]);
    const { verdicts } = judge({ resources: [one, two, three], proofs }, { olderThanMs: hourMs });
    expect(verdicts.map(({ shouldRemove, resource: { proof } }) => [shouldRemove, proof])).toEqual([
      [true, 'is dead'],
      [false, 'it names no owner'],
      [false, 'it was committed'],
    ]);
  });

  it('keeps a session that names no owner', () => {
    expect(judge({}).shouldRemove).toBe(false);
  });

  it('judges a session by its youngest resource when an age is given', () => {
    const resources = [resource('old', ownerThatIs('dead')), resource('young', ownerThatIs('dead'), 60_000)];
    expect(goes({ resources }, { olderThanMs: 59_000 })).toEqual(['old', 'young']);
    const { verdicts } = judge({ resources }, { olderThanMs: hourMs });
    expect(verdicts.map(({ shouldRemove }) => shouldRemove)).toEqual([false, false]);
    expect(verdicts[0]?.resource.proof).toBe(
      'is dead, but the youngest resource of its session is only 1 min 0 s old',
    );
  });

  it('keeps a session with a resource of unknown or future age when an age is given', () => {
    const ageless = { ...resource('one', ownerThatIs('dead')), createdAtMs: undefined };
    expect(goes({ resources: [ageless] }, { olderThanMs: 1 })).toEqual([]);
    expect(goes({ resources: [ageless] })).toEqual(['one']);
    expect(goes({ resources: [resource('one', ownerThatIs('dead'), -hourMs)] }, { olderThanMs: 1 })).toEqual(
      [],
    );
  });

  it('removes a session of another host with both the flag and an age', () => {
    const resources = [resource('one', ownerThatIs('elsewhere'))];
    expect(goes({ resources }, { otherHosts: true, olderThanMs: hourMs })).toEqual(['one']);
    expect(judge({ resources }, { otherHosts: true, olderThanMs: hourMs }).verdicts[0]?.resource.proof).toBe(
      'is elsewhere; every resource of its session is older than 1 h 0 min',
    );
    expect(goes({ resources }, { otherHosts: true, olderThanMs: 3 * hourMs })).toEqual([]);
    expect(goes({ resources }, { otherHosts: true })).toEqual([]);
    expect(goes({ resources }, { olderThanMs: hourMs })).toEqual([]);
  });

  it('keeps a reaper that runs or may run, which does not keep the rest of the session', () => {
    const reaper = (status: string | undefined, more = {}): ListedTarget => {
      const one = resource('reaper', ownerThatIs('dead'), 0);
      const labels = { ...one.labels, 'castoff.reaper': 'true', 'org.testcontainers.ryuk': 'true', ...more };
      return { ...one, labels, status };
    };
    const rest = resource('one', ownerThatIs('dead'));
    for (const status of ['running', 'restarting', 'paused', 'removing', undefined])
      expect(goes({ resources: [rest, reaper(status)] }, { olderThanMs: hourMs })).toEqual(['one']);
    for (const status of ['created', 'exited', 'dead'])
      expect(goes({ resources: [rest, reaper(status)] })).toEqual(['one', 'reaper']);
    const ryuk = { 'castoff.reaper': 'false' };
    expect(goes({ resources: [rest, reaper('created', ryuk)] })).toEqual(['one']);
    expect(goes({ resources: [rest, reaper('exited', ryuk)] })).toEqual(['one', 'reaper']);
  });

  it('never removes a session while an owner is alive or unknown here, with any flags', () => {
    const someState = fc.constantFrom(...states);
    fc.assert(
      fc.property(
        fc.array(someState, { maxLength: 5 }),
        fc.array(someState, { maxLength: 3 }),
        fc.option(fc.nat({ max: hourMs }), { nil: undefined }),
        fc.boolean(),
        (ofResources, ofJournals, olderThanMs, otherHosts) => {
          const resources = ofResources.map((state, index) =>
            resource(`t${index}`, ownerThatIs(state, index + 1)),
          );
          const owners = ofJournals.map((state, index) => ({ owner: ownerThatIs(state, index + 9) }));
          const judged = judge({ resources, owners }, { olderThanMs, otherHosts });
          const all = [...ofResources, ...ofJournals];
          const areAllDead = all.length > 0 && all.every((state) => state === 'dead');
          const isPermitted =
            otherHosts &&
            olderThanMs !== undefined &&
            all.every((state) => state === 'dead' || state === 'elsewhere');
          expect(judged.shouldRemove).toBe(areAllDead || (isPermitted && all.length > 0));
          expect(judged.verdicts.every(({ shouldRemove }) => shouldRemove === judged.shouldRemove)).toBe(
            true,
          );
        },
      ),
    );
  });
});
