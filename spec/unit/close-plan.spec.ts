import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { planClose, type CloseStep, type ScopeItem } from '../../lib/scope/close-plan';

/** `'ab!c'`: the resources a and b, a call, and the resource c. */
function itemsOf(text: string): ScopeItem<string, string>[] {
  return Array.from(text, (letter) =>
    letter === '!' ? { type: 'call', call: letter } : { type: 'resource', resource: letter },
  );
}

/** `['c', '!', 'ba']`: one string per step. */
function stepsOf(steps: readonly CloseStep<string, string>[]): string[] {
  return steps.map((step) => (step.type === 'call' ? step.call : step.resources.join('')));
}

describe('planClose', () => {
  it.each([
    ['nothing', '', []],
    ['one call', '!', ['!']],
    ['one resource', 'a', ['a']],
    ['neighbouring resources, in one step', 'abc', ['cba']],
    ['a call between resources, in a step between theirs', 'ab!cd', ['dc', '!', 'ba']],
    ['a call added before resources, after them', '!ab', ['ba', '!']],
    ['a call added after resources, before them', 'ab!', ['!', 'ba']],
    ['neighbouring calls, one by one', 'a!!b', ['b', '!', '!', 'a']],
  ])('plans %s', (_what, items, steps) => {
    expect(stepsOf(planClose(itemsOf(items)))).toEqual(steps);
  });

  const anyItems = fc.array(fc.constantFrom('call', 'resource')).map((types) =>
    types.map((type, index): ScopeItem<number, number> => {
      return type === 'call' ? { type: 'call', call: index } : { type: 'resource', resource: index };
    }),
  );

  it('ends each item exactly once, in reverse order', () => {
    fc.assert(
      fc.property(anyItems, (items) => {
        const ended = planClose(items).flatMap((step) =>
          step.type === 'call' ? [step.call] : step.resources,
        );
        expect(ended).toEqual(items.map((_, index) => index).toReversed());
      }),
    );
  });

  it('puts neighbouring resources in one step, never in two', () => {
    fc.assert(
      fc.property(anyItems, (items) => {
        const types = planClose(items).map((step) => step.type);
        expect(types.join(' ')).not.toContain('resources resources');
      }),
    );
  });

  it('does not modify the items', () => {
    const items = Object.freeze(itemsOf('ab!c'));
    expect(stepsOf(planClose(items))).toEqual(['c', '!', 'ba']);
    expect(items).toEqual(itemsOf('ab!c'));
  });
});
