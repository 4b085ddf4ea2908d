import { describe, expect, it } from '@jest/globals';
import { awaitPositions } from '../../lib/diagnosis/await-positions';
import { describeHang } from '../../lib/diagnosis/describe-hang';
import type { AloneWait, Hang, Wait } from '../../lib/diagnosis/hang';

const wait: Wait = { name: 'send', line: 'channel.js:9', isExact: true };
const hang: Hang = { chain: [], others: [], timers: [], isUnmoved: false, betweenMs: 200 };
const alone: AloneWait = {
  line: 'a.test.js:3',
  awaitLines: [],
  waitsFor: 'promise',
  endedBy: { nothing: true },
};
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
    expect(textOf({ chain, isUnmoved: true })).toBe(
      [
        'where it waits:',
        '  send waits at channel.js:9: source of channel.js:9',
        "    what can settle it: a function (a.test.js:3) → variable bus → a listener of 'ready'",
        '  called at a.test.js:4: source of a.test.js:4',
        '  looked at twice, 200 ms apart: unmoved',
      ].join('\n'),
    );
  });

  it('has each function that waits, and then their caller', () => {
    const endedBy = { path: 'a timer' };
    const chain = [
      { ...wait, endedBy },
      { ...wait, name: 'receive', endedBy },
      { ...wait, name: '' },
    ];
    expect(textOf({ chain })?.match(/ {2}(?:\w+ waits|called)/g)).toEqual([
      '  send waits',
      '  receive waits',
      '  called',
    ]);
  });

  it('claims that nothing can wake it only with proof', () => {
    const proof = 'nothing can wake it';
    expect(textOf({ chain: [{ ...wait, endedBy: { nothing: true } }] })).toContain(proof);
    expect(textOf({ alone })).toContain(proof);
    expect(textOf({ alone: { ...alone, waitsFor: 'done' } })).toContain(proof);
    const endedBy = { path: undefined };
    expect(textOf({ chain: [{ ...wait, endedBy }] })).not.toContain(proof);
    expect(textOf({ alone: { ...alone, endedBy } })).not.toContain(proof);
    expect(textOf({ chain: [wait] })).not.toContain(proof);
    expect(textOf({ chain: [{ ...wait, loop: 'send', endedBy: { path: 'a timer' } }] })).not.toContain(proof);
  });

  it('has the line of a function whose await has been collected, or those that it may be', () => {
    expect(textOf({ alone: { ...alone, awaitLines: ['a.test.js:4'] } })).toContain(
      '  waits at a.test.js:4: source of a.test.js:4\n',
    );
    expect(textOf({ alone: { ...alone, awaitLines: ['a.test.js:4', 'a.test.js:5'] } })).toContain(
      '  waits at one of a.test.js:4, a.test.js:5\n',
    );
    expect(textOf({ alone })).toContain('  waits for the promise of the function at a.test.js:3: source');
  });

  it('has what can call done', () => {
    const endedBy = {
      path: "variable bus → a listener of 'end' → variable done → function done (circus.js:9)",
    };
    expect(textOf({ alone: { ...alone, waitsFor: 'done', endedBy } })).toContain(
      "the callback done of the function at a.test.js:3: source of a.test.js:3\n    what can call it: variable bus → a listener of 'end'",
    );
  });

  it('has the function of a package that loops', () => {
    expect(textOf({ chain: [{ ...wait, loop: 'drain', endedBy: { path: 'a timer' } }] })).toContain(
      'it loops in drain, which came back to its await within 200 ms',
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
