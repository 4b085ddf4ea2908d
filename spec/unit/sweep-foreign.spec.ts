import { describe, expect, it } from '@jest/globals';
import type { ListedTarget } from '../../lib/engine/list-targets';
import { judgeThirdParty, type ThirdPartyFindings } from '../../lib/sweep/third-party-sessions';

const nowMs = Date.parse('2026-11-21T12:00:00Z');
const hourMs = 3_600_000;
const node = 'org.testcontainers.session-id';

function resource(
  id: string,
  labels: Record<string, string>,
  more: Partial<ListedTarget> = {},
): ListedTarget {
  return {
    kind: 'container',
    id,
    name: id,
    labels: { 'org.testcontainers': 'true', ...labels },
    createdAtMs: nowMs - 3 * hourMs,
    status: 'running',
    ...more,
  };
}

function judge(findings: Partial<ThirdPartyFindings>) {
  const none: ThirdPartyFindings = {
    resources: [],
    reapers: [],
    liveResources: [],
    liveIds: new Set(),
    proofs: new Map(),
  };
  const verdicts = judgeThirdParty({ ...none, ...findings }, { olderThanMs: 2 * hourMs, nowMs });
  return Object.fromEntries(
    verdicts.map(({ resource: { id, proof }, shouldRemove }) => [id, shouldRemove ? 'goes' : proof]),
  );
}

const ryuk = (labels: Record<string, string>, status = 'running'): ListedTarget =>
  resource('ryuk', { 'org.testcontainers.ryuk': 'true', ...labels }, { status });

describe('judgeThirdParty', () => {
  it.each([node, 'org.testcontainers.sessionId', 'org.testcontainers.resource-reaper-session'])(
    'removes a resource that is old enough, with its session label %s',
    (label) => {
      expect(judge({ resources: [resource('web', { [label]: 'a' })] })).toEqual({ web: 'goes' });
    },
  );

  it('judges by the youngest resource of the session, not of another session', () => {
    const young = resource('young', { [node]: 'a' }, { createdAtMs: nowMs - hourMs });
    const resources = [resource('old', { [node]: 'a' }), young, resource('other', { [node]: 'b' })];
    expect(judge({ resources })).toEqual({
      old: 'the youngest resource of its session is only 1 h 0 min old',
      young: 'the youngest resource of its session is only 1 h 0 min old',
      other: 'goes',
    });
  });

  it('keeps a resource of unknown age', () => {
    const resources = [resource('image', { [node]: 'a' }, { kind: 'image', createdAtMs: undefined })];
    expect(judge({ resources })).toEqual({ image: 'the age of a resource of its session is unknown' });
  });

  it('keeps a resource while its own reaper is running, or one that may be its own', () => {
    const resources = [resource('web', { [node]: 'a' })];
    expect(judge({ resources, reapers: [ryuk({ [node]: 'a' })] })).toEqual({
      web: 'its reaper ryuk is running',
    });
    expect(judge({ resources, reapers: [ryuk({})] })).toEqual({
      web: 'its reaper may be ryuk, which is running',
    });
    expect(judge({ resources, reapers: [ryuk({ [node]: 'b' })] })).toEqual({ web: 'goes' });
    expect(judge({ resources, reapers: [ryuk({ [node]: 'a' }, 'exited')] })).toMatchObject({ web: 'goes' });
  });

  it('recognises the session of a running reaper by its name: that of no other session keeps a resource', () => {
    const resources = [resource('web', { [node]: 'a' })];
    for (const prefix of ['testcontainers-ryuk-', 'reaper_']) {
      expect(judge({ resources, reapers: [{ ...ryuk({}), name: `${prefix}b` }] })).toEqual({ web: 'goes' });
      expect(judge({ resources, reapers: [{ ...ryuk({}), name: `${prefix}a` }] })).toEqual({
        web: `its reaper ${prefix}a is running`,
      });
    }
  });

  it('is not kept from a removal by the reaper of a castoff session, but by one in place of Ryuk', () => {
    const resources = [resource('web', { [node]: 'a' })];
    const ofCastoff = { 'castoff.reaper': 'true' };
    const sidecar = ryuk({ ...ofCastoff, 'castoff.session': 's' });
    expect(judge({ resources, reapers: [sidecar] })).toEqual({ web: 'goes' });
    expect(judge({ resources, reapers: [ryuk(ofCastoff)] })).toEqual({
      web: 'its reaper may be ryuk, which is running',
    });
  });

  it('keeps a reaper that has not exited, and removes one that has when it is old enough', () => {
    for (const status of ['running', 'created', 'paused'])
      expect(judge({ resources: [ryuk({ [node]: 'a' }, status)] })).toEqual({ ryuk: 'a reaper' });
    for (const status of ['exited', 'dead']) {
      const reaper = ryuk({ [node]: 'a' }, status);
      expect(judge({ resources: [reaper], reapers: [reaper] })).toEqual({ ryuk: 'goes' });
      // Some clients do not label it as a resource of Testcontainers.
      expect(judge({ reapers: [reaper] })).toEqual({ ryuk: 'goes' });
      const young = { ...reaper, createdAtMs: nowMs - hourMs };
      expect(judge({ reapers: [young] })).toEqual({
        ryuk: 'the youngest resource of its session is only 1 h 0 min old',
      });
    }
  });

  it('keeps an exited container that carries the label of a reaper by its image, or names no session', () => {
    expect(judge({ reapers: [ryuk({}, 'exited')] })).toEqual({ ryuk: 'a reaper that names no session' });
    const copy = ryuk({ [node]: 'a' }, 'exited');
    const proofs = new Map([[copy, { state: 'not-ours', reason: 'its image has its labels' } as const]]);
    expect(judge({ resources: [copy], proofs })).toEqual({ ryuk: 'its image has its labels' });
  });

  it.each(['org.testcontainers.container-hash', 'org.testcontainers.hash', 'org.testcontainers.reuse-hash'])(
    'keeps a reusable resource: %s',
    (label) => {
      expect(judge({ resources: [resource('db', { [node]: 'a', [label]: '1f' })] })).toEqual({
        db: 'created for reuse by the next run',
      });
    },
  );

  it('keeps a resource without a session label', () => {
    expect(judge({ resources: [resource('web', {}), resource('empty', { [node]: '' })] })).toEqual({
      web: 'it names no session',
      empty: 'it names no session',
    });
  });

  it('keeps a session that a castoff session not proven dead shares', () => {
    const resources = [resource('network', { [node]: 'a' }), resource('other', { [node]: 'b' })];
    const reason = 'a castoff session that is not proven dead shares it';
    const liveResources = [resource('web', { [node]: 'a', 'castoff.session': 's' })];
    expect(judge({ resources, liveResources })).toEqual({ network: reason, other: 'goes' });
    expect(judge({ resources, liveIds: new Set(['network']) })).toEqual({ network: reason, other: 'goes' });
  });

  it('ignores resources whose owner castoff knows', () => {
    expect(judge({ resources: [resource('web', { [node]: 'a', 'castoff.session': 's' })] })).toEqual({});
  });
});
