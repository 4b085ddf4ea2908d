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
    verdicts.map(({ resource: { id }, shouldRemove, proof }) => [id, shouldRemove ? 'goes' : proof]),
  );
}

const ryuk = (labels: Record<string, string>, status = 'running'): ListedTarget =>
  resource('ryuk', { 'org.testcontainers.ryuk': 'true', ...labels }, { status });

describe('what Testcontainers left', () => {
  it.each([node, 'org.testcontainers.sessionId', 'org.testcontainers.resource-reaper-session'])(
    'goes when it is old enough, with its session under %s',
    (label) => {
      expect(judge({ resources: [resource('web', { [label]: 'a' })] })).toEqual({ web: 'goes' });
    },
  );

  it('goes by the youngest of its session, and not by that of another', () => {
    const young = resource('young', { [node]: 'a' }, { createdAtMs: nowMs - hourMs });
    const resources = [resource('old', { [node]: 'a' }), young, resource('other', { [node]: 'b' })];
    expect(judge({ resources })).toEqual({
      old: 'the youngest resource of its session is only 1 h 0 min old',
      young: 'the youngest resource of its session is only 1 h 0 min old',
      other: 'goes',
    });
  });

  it('stays while its age is not known', () => {
    const resources = [resource('image', { [node]: 'a' }, { kind: 'image', createdAtMs: undefined })];
    expect(judge({ resources })).toEqual({ image: 'the age of a resource of its session is unknown' });
  });

  it('stays while its own reaper runs, or one that may be its own', () => {
    const resources = [resource('web', { [node]: 'a' })];
    expect(judge({ resources, reapers: [ryuk({ [node]: 'a' })] })).toEqual({
      web: 'its reaper ryuk is running',
    });
    expect(judge({ resources, reapers: [ryuk({})] })).toEqual({
      web: 'its reaper may be ryuk, which is running',
    });
    expect(judge({ resources, reapers: [ryuk({ [node]: 'b' })] })).toEqual({ web: 'goes' });
    expect(judge({ resources, reapers: [ryuk({ [node]: 'a' }, 'exited')] })).toEqual({ web: 'goes' });
  });

  it('stays where it is a reaper', () => {
    expect(judge({ resources: [ryuk({ [node]: 'a' }, 'exited')] })).toEqual({ ryuk: 'a reaper' });
  });

  it.each(['org.testcontainers.container-hash', 'org.testcontainers.hash', 'org.testcontainers.reuse-hash'])(
    'stays where it is to be used again: %s',
    (label) => {
      expect(judge({ resources: [resource('db', { [node]: 'a', [label]: '1f' })] })).toEqual({
        db: 'created for reuse by the next run',
      });
    },
  );

  it('stays where it names no session', () => {
    expect(judge({ resources: [resource('web', {}), resource('empty', { [node]: '' })] })).toEqual({
      web: 'it names no session',
      empty: 'it names no session',
    });
  });

  it('stays where a castoff session that is not over has a part in its session', () => {
    const resources = [resource('network', { [node]: 'a' }), resource('other', { [node]: 'b' })];
    const reason = 'a castoff session that is not proven dead shares it';
    const liveResources = [resource('web', { [node]: 'a', 'castoff.session': 's' })];
    expect(judge({ resources, liveResources })).toEqual({ network: reason, other: 'goes' });
    expect(judge({ resources, liveIds: new Set(['network']) })).toEqual({ network: reason, other: 'goes' });
  });

  it('is not looked at where castoff knows its owner', () => {
    expect(judge({ resources: [resource('web', { [node]: 'a', 'castoff.session': 's' })] })).toEqual({});
  });
});
