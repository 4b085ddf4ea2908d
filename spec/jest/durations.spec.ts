import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { appendRuns } from '../../lib/durations/duration-file';
import { readDurations } from '../../lib/durations/stored-durations';
import { startJest, type JestEnd, type JestRun } from '../support/jest-run';
import { isLong } from '../support/spec-size';

const tests = `
const { measure } = require('castoff');
const { shared, spawn } = require('castoff/jest');
const never = () => new Promise(() => {});

test('passes', () => measure('a wait', () => new Promise((resolve) => setTimeout(resolve, 20))));
test('calls back', (done) => void setTimeout(done, 20));
test('fails', () => { throw new Error('bad'); });
test('takes longer than its limit', never, 100);
describe('orders', () => {
  test('hangs', never, 300);
});
test('is new', never, 50);
test('waits', () => {
  shared('slow db', never, { timeoutMs: 5000 }).catch(() => {});
  return shared('slow db', never, { timeoutMs: 150 });
});
test('shares', () => shared('db', never, { timeoutMs: 150 }));
describe('with a hook', () => {
  beforeAll(never, 200);
  test('is skipped by its hook', () => {});
});
describe('with good hooks', () => {
  beforeEach(() => {});
  beforeEach(() => new Promise((resolve) => setTimeout(resolve, 20)));
  test('runs', () => {});
});
test.concurrent('hangs beside others', never, 250);
test.concurrent('passes beside others', () => new Promise((resolve) => setTimeout(resolve, 20)));
const untilAbort = (signal) => new Promise((resolve) => signal.addEventListener('abort', resolve));
test('spawns', () => spawn('migrate', untilAbort, { timeoutMs: 40 }));
`;
const nameOf = (title: string, folder: string): string =>
  `test ${folder}/durations.test.js durations.test.js/${title}`;
const learnt = (folder: string): Readonly<Record<string, number>> => ({
  [nameOf('takes longer than its limit', folder)]: 150,
  [nameOf('orders/hangs', folder)]: 10,
  [nameOf('hangs beside others', folder)]: 10,
  [nameOf('with a hook', folder).replace('test', 'beforeAll 1')]: 10,
  'task durations.test.js/spawns migrate': 30,
  'shared db': 20,
  'shared slow db': 140,
});

const versions = ['30', '29'] as const;

describe.each(isLong ? versions : versions.slice(0, 1))('a test that times out in Jest %s', (jest) => {
  let run: JestRun;
  let end: JestEnd;
  let before: string | undefined;
  beforeAll(async () => {
    const first = await startJest('plain', { jest, files: { 'durations.test.js': tests }, args: ['empty'] });
    await first.ended;
    const cache = join(first.folder, 'node_modules/.cache/castoff');
    // No suite that only starts nothing leaves a file outside of node_modules.
    expect(existsSync(join(first.folder, '.cache'))).toBe(false);
    before = process.env['CASTOFF_HISTORY'];
    process.env['CASTOFF_HISTORY'] = cache;
    for (const [name, durationMs] of Object.entries(learnt(first.folder)))
      appendRuns(
        Array.from({ length: 7 }, () => ({ name, durationMs })),
        first.folder,
      );
    run = first;
    const second = await startJest('plain', { jest, beside: first, args: ['durations'] });
    end = await second.ended;
    // Each test that hangs takes a few seconds of CPU time for its finding.
  }, 300_000);
  afterAll(async () => {
    process.env['CASTOFF_HISTORY'] = before;
    await run?.close();
  });

  /** The part of the output about one failed test. */
  const shownFor = (title: string): string =>
    end.stderr.split('●').find((part) => part.trimStart().startsWith(title)) ?? '';

  it('shows that its limit looks too tight, below the message of Jest', () => {
    expect(shownFor('takes longer than its limit')).toMatch(
      /Exceeded timeout of 100 ms for a test[\s\S]*\n {4}p99 over 7 runs is 150 ms, the limit was 100 ms: the limit looks too tight; 725 ms would fit\n/,
    );
  });

  it('shows that it hangs', () => {
    expect(shownFor('orders › hangs')).toContain('takes 10 ms as a rule, now 300 ms: this hangs');
  });

  it('shows that a hook hangs', () => {
    expect(shownFor('with a hook › is skipped')).toContain('takes 10 ms as a rule, now 200 ms: this hangs');
  });

  it('shows that a concurrent test hangs', () => {
    // Jest 29 starts it before its turn.
    const judgement = 'takes 10 ms as a rule, now 250 ms: this hangs';
    expect(shownFor('hangs beside others')).toContain(judgement);
  });

  it('shows nothing without earlier runs, or when it failed otherwise', () => {
    for (const title of ['is new', 'fails']) expect(shownFor(title)).not.toMatch(/as a rule|p99|usual/);
    expect(shownFor('is new')).toContain('Exceeded timeout of 50 ms');
  });

  it('shows the judgement of a task of its scope', () => {
    expect(shownFor('spawns')).toContain('task migrate: timed out after 40 ms; p99 over 7 runs is 30 ms');
  });

  it('shows the judgement of a shared resource', () => {
    expect(shownFor('shares')).toContain(
      'create shared db: timed out after 150 ms; takes 20 ms as a rule, now 150 ms: this hangs',
    );
    expect(shownFor('waits')).toContain(
      'wait for shared slow db, which another test is making: timed out after 150 ms; p99 over 7 runs is 140 ms',
    );
  });

  it('leaves the durations of what passed in the history, once, and of nothing else', () => {
    const count = (name: string): number => readDurations(name, run.folder).length;
    expect(
      [nameOf('passes', run.folder), nameOf('calls back', run.folder), 'measure a wait'].map(count),
    ).toEqual([1, 1, 1]);
    expect(['fails', 'is new', 'spawns'].map((title) => count(nameOf(title, run.folder)))).toEqual([0, 0, 0]);
    expect(Object.keys(learnt(run.folder)).map(count)).toEqual([7, 7, 7, 7, 7, 7, 7]);
    const hook = nameOf('with good hooks', run.folder).replace('test', 'beforeEach 2');
    expect(count(hook)).toBe(1);
    expect(count(nameOf('with good hooks/runs', run.folder))).toBe(1);
    const concurrent = readDurations(nameOf('passes beside others', run.folder), run.folder);
    expect(concurrent).toHaveLength(jest === '30' ? 1 : 0);
  });
});
