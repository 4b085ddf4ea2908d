import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { planClose, type CloseStep, type ScopeItem } from '../../lib/scope/close-plan';

/** `'ab!c'` is the things a and b, a call, and the thing c. */
function itemsOf(text: string): ScopeItem<string, string>[] {
  return Array.from(text, (letter) =>
    letter === '!' ? { type: 'call', call: letter } : { type: 'resource', resource: letter },
  );
}

/** `['c', '!', 'ba']`: a step each. */
function stepsOf(steps: readonly CloseStep<string, string>[]): string[] {
  return steps.map((step) => (step.type === 'call' ? step.call : step.resources.join('')));
}

describe('the plan for closing a scope', () => {
  it.each([
    ['nothing', '', []],
    ['one call', '!', ['!']],
    ['one thing', 'a', ['a']],
    ['things that stand together, in one step', 'abc', ['cba']],
    ['a call between things, as a fence', 'ab!cd', ['dc', '!', 'ba']],
    ['a call before things, after them', '!ab', ['ba', '!']],
    ['a call behind things, before them', 'ab!', ['!', 'ba']],
    ['calls that stand together, one by one', 'a!!b', ['b', '!', '!', 'a']],
  ])('takes %s', (_what, items, steps) => {
    expect(stepsOf(planClose(itemsOf(items)))).toEqual(steps);
  });

  const anyItems = fc.array(fc.constantFrom('call', 'resource')).map((types) =>
    types.map((type, index): ScopeItem<number, number> => {
      return type === 'call' ? { type: 'call', call: index } : { type: 'resource', resource: index };
    }),
  );

  it('ends everything exactly once, the last first', () => {
    fc.assert(
      fc.property(anyItems, (items) => {
        const ended = planClose(items).flatMap((step) =>
          step.type === 'call' ? [step.call] : step.resources,
        );
        expect(ended).toEqual(items.map((_, index) => index).toReversed());
      }),
    );
  });

  it('never has two steps of things side by side: what can go together does', () => {
    fc.assert(
      fc.property(anyItems, (items) => {
        const types = planClose(items).map((step) => step.type);
        expect(types.join(' ')).not.toContain('resources resources');
      }),
    );
  });

  it('leaves the items as they are', () => {
    const items = Object.freeze(itemsOf('ab!c'));
    expect(stepsOf(planClose(items))).toEqual(['c', '!', 'ba']);
    expect(items).toEqual(itemsOf('ab!c'));
  });
});
