import { describe, expect, it } from '@jest/globals';
import { checkClaim } from '../../lib/reaper/claim';
import { claimableKeysIn } from '../../lib/reaper/claimable-keys';

describe('a claim', () => {
  it('is the same in whatever order its labels are named, and however often', () => {
    expect(checkClaim(['b=2', 'a=1', 'b=2'])).toEqual(checkClaim(['a=1', 'b=2']));
  });

  it('may name a bare key beside a full label', () => {
    expect(checkClaim(['mine', 'session=1'])).toEqual({
      claim: { key: 'mine & session=1', labels: ['mine', 'session=1'] },
    });
  });

  describe('in the standing reaper', () => {
    const rules = { claimableKeys: claimableKeysIn('standing', undefined) };
    const isClaimable = (labels: readonly string[]) => 'claim' in checkClaim(labels, rules);

    it.each<[readonly string[]]>([
      [['castoff.session=1']],
      [['org.testcontainers.session-id=1']],
      [['org.testcontainers.resource-reaper-session=1']],
      [['com.docker.compose.project=app']],
      [['org.testcontainers=true', 'org.testcontainers.lang=go', 'org.testcontainers.sessionId=1']],
    ])('may cover a session: %j', (labels) => {
      expect(isClaimable(labels)).toBe(true);
    });

    it.each<[readonly string[]]>([
      [['org.testcontainers=true']],
      [['team=a']],
      [['castoff.session=', 'team=a']],
    ])('may not cover more than a session: %j', (labels) => expect(isClaimable(labels)).toBe(false));

    it('may name any key where that is configured, and in the stand-alone reaper', () => {
      for (const claimableKeys of [
        claimableKeysIn('standing', 'any'),
        claimableKeysIn('stand-alone', undefined),
      ])
        expect(checkClaim(['team=a'], { claimableKeys })).toHaveProperty('claim');
    });
  });

  describe('where only some keys may be claimed', () => {
    const rules = { claimableKeys: ['castoff.session', 'team'] };

    it('has to name one of them with a value', () => {
      expect(checkClaim(['castoff.session=1', 'other=2'], rules)).toHaveProperty('claim');
      for (const labels of [['other=2'], ['team', 'other=2'], ['team=', 'other=2'], ['castoff.session2=1']])
        expect(checkClaim(labels, rules)).toEqual({
          refusal: 'none of its labels may be claimed here; one of castoff.session, team has to be named',
        });
    });
  });
});
