import { describe, expect, it } from '@jest/globals';
import { checkClaim } from '../../lib/reaper/claim';

describe('a claim', () => {
  it('is the same in whatever order its labels are named, and however often', () => {
    expect(checkClaim(['b=2', 'a=1', 'b=2'])).toEqual(checkClaim(['a=1', 'b=2']));
  });

  it('may name a bare key beside a full label', () => {
    expect(checkClaim(['mine', 'session=1'])).toEqual({
      claim: { key: 'mine & session=1', labels: ['mine', 'session=1'] },
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
