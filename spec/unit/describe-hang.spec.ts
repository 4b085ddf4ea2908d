import { describe, expect, it } from '@jest/globals';
import { awaitPositions } from '../../lib/diagnosis/await-positions';
import { describeHang } from '../../lib/diagnosis/describe-hang';
import type { Hang, Wait } from '../../lib/diagnosis/find-hang';

const wait: Wait = { name: 'send', line: 'channel.js:9', isExact: true, repeats: false };
const hang: Hang = { chain: [], others: [], abandonedAt: undefined, timers: [], betweenMs: 200 };
const textOf = (changes: Partial<Hang>, open: readonly string[] = []): string | undefined =>
  describeHang({ ...hang, ...changes }, { open }, (line) => `source of ${line}`);

describe('the description of a hang', () => {
  it('has the innermost function first, with the source of its line and what can settle it', () => {
    const endedBy = {
      path: "a function (a.test.js:3) → variable bus → a listener of 'ready' → a function → Promise",
    };
    const chain = [
      { ...wait, endedBy },
      { ...wait, name: '', line: 'a.test.js:4' },
    ];
    expect(textOf({ chain })).toBe(
      [
        'where it waits:',
        '  send waits at channel.js:9: source of channel.js:9',
        "    what can settle it: a function (a.test.js:3) → variable bus → a listener of 'ready'",
        '  called at a.test.js:4: source of a.test.js:4',
      ].join('\n'),
    );
  });

  it('claims that nothing can wake it only with proof', () => {
    const proof = 'nothing can wake it';
    expect(textOf({ chain: [{ ...wait, endedBy: { nothing: true } }] })).toContain(proof);
    expect(textOf({ abandonedAt: ['a.test.js:4'] })).toContain(proof);
    expect(textOf({ chain: [{ ...wait, endedBy: { path: undefined } }] })).not.toContain(proof);
    expect(textOf({ chain: [wait] })).not.toContain(proof);
    expect(textOf({ chain: [{ ...wait, repeats: true, endedBy: { path: 'a timer' } }] })).not.toContain(
      proof,
    );
  });

  it('has the function, where its await is unknown, and what is open', () => {
    const text = textOf({ chain: [{ ...wait, isExact: false }] }, ['start of Redis']);
    expect(text).toBe(
      'where it waits:\n  send waits in the function at channel.js:9\n  open: start of Redis',
    );
  });

  it('is undefined when nothing was seen', () => {
    expect(textOf({})).toBeUndefined();
  });
});

it('finds the await of a function, outside comments and strings', () => {
  const code = "async () => {\n  // await\n  call('await', `await`); await it;\n  await /* await */ it;\n}";
  expect(awaitPositions(code, { line: 7, column: 10 })).toEqual([
    { line: 9, column: 26 },
    { line: 10, column: 2 },
  ]);
});
