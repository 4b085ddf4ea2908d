import { describe, expect, it } from '@jest/globals';
import { digestBounds, type Bounds } from '../../lib/core/bounds';
import { checkClaim, isCovered, type Claim } from '../../lib/reaper/leases/claim';
import { modeDefaults } from '../../lib/reaper/leases/reaper-mode';

describe('a claim', () => {
  it('does not depend on the order of its labels, nor on duplicates', () => {
    expect(checkClaim(['b=2', 'a=1', 'b=2'])).toEqual(checkClaim(['a=1', 'b=2']));
  });

  it('may contain a bare key beside a full label', () => {
    expect(checkClaim(['mine', 'session=1'])).toEqual({
      claim: { key: 'mine & session=1', labels: ['mine', 'session=1'] },
    });
  });

  describe('at a daemon', () => {
    const keys = modeDefaults.daemon.claimableKeys;
    const isClaimable = (labels: readonly string[]) => 'claim' in checkClaim(labels, keys);

    it.each<[readonly string[]]>([
      [['castoff.session=1']],
      [['org.testcontainers.session-id=1']],
      [['org.testcontainers.resource-reaper-session=1']],
      [['com.docker.compose.project=app']],
      [['org.testcontainers=true', 'org.testcontainers.lang=go', 'org.testcontainers.sessionId=1']],
    ])('is accepted if it identifies a session: %j', (labels) => {
      expect(isClaimable(labels)).toBe(true);
    });

    it.each<[readonly string[]]>([
      [['org.testcontainers=true']],
      [['team=a']],
      [['castoff.session=', 'team=a']],
    ])('is refused if it does not identify a session: %j', (labels) =>
      expect(isClaimable(labels)).toBe(false),
    );

    it('may have any key if configured, and in place of Ryuk', () => {
      for (const claimableKeys of ['any', modeDefaults.ryuk.claimableKeys] as const)
        expect(checkClaim(['team=a'], claimableKeys)).toHaveProperty('claim');
    });
  });

  describe('with configured label keys', () => {
    const keys = ['castoff.session', 'team'];

    it('must contain one of them with a value', () => {
      expect(checkClaim(['castoff.session=1', 'other=2'], keys)).toHaveProperty('claim');
      for (const labels of [['other=2'], ['team', 'other=2'], ['team=', 'other=2'], ['castoff.session2=1']])
        expect(checkClaim(labels, keys)).toEqual({
          refusal: 'no claimable label; at least one key must be one of castoff.session, team',
        });
    });
  });
});

describe('a claim with bounds', () => {
  const labels = ['com.docker.compose.project=app'];
  const claimWithin = (bounds: Bounds): Claim => {
    const check = checkClaim(labels, 'any', digestBounds(bounds));
    if ('refusal' in check) throw new Error(check.refusal);
    return check.claim;
  };
  const part = { kind: 'volume', id: 'app_data', labels: { 'com.docker.compose.project': 'app' } } as const;
  const identity = 'volume app_data 2026-11-28T20:00:00Z';
  const created = { ...part, createdAt: '2026-11-28T20:00:00Z' };
  const later = { ...part, createdAt: '2026-11-28T20:00:01Z' };

  it('covers all resources except those that existed before', () => {
    const claim = claimWithin({ except: [identity] });
    expect(isCovered(claim, created)).toBe(false);
    expect(isCovered(claim, later)).toBe(true);
    expect(isCovered(claim, { ...later, labels: {} })).toBe(false);
  });

  it('covers only the listed resources, and no later one of the same name', () => {
    const claim = claimWithin({ only: [identity] });
    expect(isCovered(claim, created)).toBe(true);
    expect(isCovered(claim, later)).toBe(false);
    expect(isCovered(claim, { ...created, labels: {} })).toBe(false);
    expect(isCovered(claimWithin({ only: [] }), created)).toBe(false);
  });

  it('differs from a claim with other bounds, whose order does not matter', () => {
    const bounds: readonly (Bounds | undefined)[] = [
      undefined,
      { except: [] },
      { except: ['container a', 'container b'] },
      { only: ['container a', 'container b'] },
      { only: ['container a', 'container c'] },
      { only: [] },
    ];
    const keys = bounds.map((each) => (each === undefined ? claimWithin({}) : claimWithin(each)).key);
    expect(new Set(keys).size).toBe(bounds.length);
    expect(claimWithin({ only: ['container b', 'container a'] }).key).toBe(keys[3]);
  });
});
