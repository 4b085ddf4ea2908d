import { describe, expect, it } from '@jest/globals';
import { matching } from '../support/fault-pattern';
import { FaultRules } from '../support/fault-rules';
import { decideBySeed } from '../support/fault-seed';
import { faultsOf, removalTarget, type RemovalTarget } from '../support/fault-table';

describe('a pattern', () => {
  it.each([
    ['DELETE /containers/*', 'DELETE', '/v1.41/containers/abc?force=1', true],
    ['DELETE /containers/*', 'DELETE', '/containers/abc', true],
    ['DELETE /containers/*', 'GET', '/containers/abc', false],
    ['GET /containers/*', 'GET', '/containers/abc/json', false],
    ['GET /containers/**', 'GET', '/containers/abc/json', true],
    ['* /images/**', 'DELETE', '/images/castoff-spec/busybox:1', true],
    ['DELETE /images/a/b:1', 'DELETE', '/v1.41/images/a/b%3A1', true],
    ['DELETE /images/a.b', 'DELETE', '/images/aXb', false],
    [
      'POST /containers/*/wait?condition=removed',
      'POST',
      '/v1.41/containers/a/wait?x=1&condition=removed',
      true,
    ],
    ['POST /containers/*/wait?condition=removed', 'POST', '/v1.41/containers/a/wait', false],
  ])('%s matches %s %s: %s', (pattern, method, path, expected) => {
    expect(matching(pattern)({ method, path })).toBe(expected);
  });

  it('is rejected unless it is METHOD /path', () => {
    const reset = { type: 'reset' } as const;
    expect(() => new FaultRules().add({ on: '/containers/*', fault: reset })).toThrow(
      'METHOD /path expected',
    );
  });
});

describe('a seed', () => {
  it('keeps its rate, and uses each of its faults', () => {
    const types = Array.from(
      { length: 4_000 },
      (_, nth) => decideBySeed(42, nth, { rate: 0.4 })?.type ?? 'none',
    );
    const share = (type: string) => types.filter((each) => each === type).length / types.length;
    expect(share('none')).toBeCloseTo(0.6, 1);
    for (const type of ['answer', 'delay', 'reset', 'lose-answer']) expect(share(type)).toBeCloseTo(0.1, 1);
  });
});

describe('the fault table', () => {
  it('has rows for every kind, and only those that the engine has a captured response for', () => {
    expect(rowNames(removalTarget('container', 'x'))).toContain('409 in progress, then dead');
    expect(rowNames(removalTarget('container', 'x', 'podman'))).not.toContain('409 in progress, then dead');
    expect(rowNames(removalTarget('network', 'x'))).toContain('busy, then gone');
    expect(rowNames(removalTarget('image', 'x/y:1'))).toContain('twice at once');
  });
});

function rowNames(target: RemovalTarget): readonly string[] {
  return faultsOf(target).map(({ name }) => name);
}
