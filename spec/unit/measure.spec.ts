import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { appendRuns } from '../../lib/durations/duration-file';
import { readDurations } from '../../lib/durations/stored-durations';
import { deadline, measure, openScope } from '../../lib/index';
import { rejectionOf } from '../support/rejection';
import { watchTimers } from '../support/running-timers';
import { withTypeScript } from '../support/with-typescript';

const never = (): Promise<never> => Promise.withResolvers<never>().promise;

describe('measure', () => {
  it('resolves to the result of its function', async () => {
    expect(await measure('count', async () => 3)).toBe(3);
    expect(await measure('count', () => 3, { timeoutMs: 60_000 })).toBe(3);
  });

  it.each([
    ['throws', () => throwIt(new Error('bad'))],
    ['throws null', () => throwIt(null)],
    ['rejects', () => Promise.reject(new Error('bad'))],
  ])('rejects with the error of its function when that %s', async (_what, fn) => {
    const expected: unknown = await Promise.resolve()
      .then(fn)
      .catch((error: unknown) => error);
    expect(await rejectionOf(measure('count', fn, { timeoutMs: 60_000 }))).toEqual(expected);
  });

  it('aborts the signal of its function at the limit, and rejects with the same reason', async () => {
    let reason: unknown;
    const fn = async (signal: AbortSignal): Promise<void> => {
      signal.addEventListener('abort', () => (reason = signal.reason));
      await never();
    };
    const error = await rejectionOf(measure('import', fn, { timeoutMs: 10 }));
    expect(error).toMatchObject({
      code: 'DEADLINE_EXCEEDED',
      message: 'measure import: timed out after 10 ms',
    });
    expect(reason).toBe(error);
  });

  it('rejects at a nearer limit around it with the reason of that, which names it', async () => {
    const signal = deadline(10, { what: 'the suite' });
    const error = await rejectionOf(measure('import', never, { timeoutMs: 60_000, signal }));
    expect(error).toBe(signal.reason);
    expect(String(error)).toContain('further away: measure import (1 min 0 s)');
  });

  it('does not call its function when the given signal is aborted', async () => {
    let wasCalled = false;
    const reason = new Error('no longer wanted');
    const signal = AbortSignal.abort(reason);
    expect(await rejectionOf(measure('count', () => (wasCalled = true), { signal }))).toBe(reason);
    expect(wasCalled).toBe(false);
  });

  it('leaves no timer, however its function ends', async () => {
    using timers = watchTimers();
    const user = new AbortController();
    const options = { timeoutMs: 60_000, signal: user.signal };
    await measure('a', () => 1, options);
    await rejectionOf(measure('b', () => throwIt(new Error('bad')), options));
    const cancelled = rejectionOf(measure('c', never, options));
    user.abort();
    await cancelled;
    await rejectionOf(measure('d', never, { timeoutMs: 1 }));
    expect(timers.running()).toEqual([]);
  });

  it.each<[string, readonly unknown[]]>([
    ['an empty name', ['', () => 1]],
    ['no function', ['a', 'work']],
    ['an unknown option', ['a', () => 1, { timeout: 3 }]],
    ['a negative limit', ['a', () => 1, { timeoutMs: -1 }]],
  ])('rejects %s', async (_what, args) => {
    const misuse = measure as (...given: readonly unknown[]) => Promise<unknown>;
    expect(await rejectionOf(misuse(...args))).toMatchObject({ code: 'CONFIG_INVALID' });
  });
});

describe('the history of durations', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'castoff-measure-'));
    process.env['CASTOFF_HISTORY'] = folder;
  });
  afterEach(async () => {
    process.env['CASTOFF_HISTORY'] = 'off';
    await rm(folder, { recursive: true, force: true });
  });
  const learn = (name: string, durationMs: number, runs: number): void =>
    appendRuns(
      Array.from({ length: runs }, () => ({ name, durationMs })),
      process.cwd(),
    );

  it('explains the limit of measure: too tight', async () => {
    learn('measure import', 30, 5);
    expect(String(await rejectionOf(measure('import', never, { timeoutMs: 20 })))).toContain(
      'measure import: timed out after 20 ms; p99 over 5 runs is 30 ms, the limit was 20 ms: the limit looks too tight; 545 ms would fit',
    );
  });

  it('explains the limit of measure: a hang', async () => {
    learn('measure import', 20, 5);
    expect(String(await rejectionOf(measure('import', never, { timeoutMs: 200 })))).toMatch(
      /timed out after 200 ms; takes 20 ms as a rule, now 200 ms: this hangs$/,
    );
  });

  it('explains the limit of measure by the runs of this process, before they are written', async () => {
    for (let i = 0; i < 5; i += 1) await measure('import', () => delay(20));
    expect(String(await rejectionOf(measure('import', never, { timeoutMs: 1 })))).toMatch(
      /p99 over 5 runs is \S+ m?s, the limit was 1 ms: the limit looks too tight; \S+ m?s would fit$/,
    );
  });

  it('counts neither runs that failed nor runs that were cancelled or timed out', async () => {
    const user = new AbortController();
    for (let i = 0; i < 6; i += 1) {
      await rejectionOf(measure('odd', () => throwIt(new Error('bad'))));
      await rejectionOf(measure('odd', never, { timeoutMs: 1 }));
    }
    user.abort();
    await rejectionOf(measure('odd', () => undefined, { signal: user.signal }));
    expect(String(await rejectionOf(measure('odd', never, { timeoutMs: 1 })))).toMatch(/after 1 ms$/);
  });

  it('explains the limit of a task of that name in a scope of that name', async () => {
    learn('task orders migrate', 400, 12);
    await using scope = openScope('orders');
    const error = await rejectionOf(
      Promise.resolve(scope.spawn('migrate', waitForAbort, { timeoutMs: 300 })),
    );
    expect(String(error)).toContain('task migrate: timed out after 300 ms; p99 over 12 runs is 400 ms');
    const other = await rejectionOf(Promise.resolve(scope.spawn('other', waitForAbort, { timeoutMs: 1 })));
    expect(String(other)).toMatch(/after 1 ms$/);
  });

  it('explains a start that the deadline of its scope ends', async () => {
    learn('start orders Server', 600_000, 6);
    const scope = openScope('orders', { timeoutMs: 200 });
    class Server {
      start = never;
    }
    const error = await rejectionOf(scope.start(new Server()));
    expect(error).toMatchObject({ code: 'START_FAILED', cause: { code: 'DEADLINE_EXCEEDED' } });
    // Every pause of the machine is shorter.
    expect(String(error)).toMatch(
      /\np99 over 6 runs is 10 min 0 s, .*: the limit looks too tight; .* would fit$/,
    );
  });

  it('learns from starts and tasks with a limit, and is written when the process exits', async () => {
    const lib = JSON.stringify(join(__dirname, '../../lib/index.ts'));
    const script = `
      const { measure, openScope } = require(${lib});
      (async () => {
        class Server { async start() { return { stop() {} }; } }
        await using scope = openScope('orders');
        for (let i = 0; i < 3; i += 1) {
          await scope.start(new Server());
          await scope.spawn('migrate', () => 1, { timeoutMs: 60_000 });
          await scope.spawn('without a limit', () => 1);
          await measure('import', () => new Promise((resolve) => setTimeout(resolve, 20)));
        }
      })();`;
    await promisify(execFile)(process.execPath, [...withTypeScript, '-e', script], { env: process.env });
    const lengths = ['start orders Server', 'task orders migrate', 'measure import'].map(
      (name) => readDurations(name, process.cwd()).length,
    );
    expect(lengths).toEqual([3, 3, 3]);
    expect(readDurations('task orders without a limit', process.cwd())).toEqual([]);
    expect(Math.min(...readDurations('measure import', process.cwd()))).toBeGreaterThanOrEqual(19);
  });

  it('has no file when nothing was measured, and no error where it cannot be written', async () => {
    const lib = JSON.stringify(join(__dirname, '../../lib/index.ts'));
    const nothing = `const { openScope } = require(${lib}); openScope().close();`;
    await promisify(execFile)(process.execPath, [...withTypeScript, '-e', nothing], { env: process.env });
    expect(existsSync(join(folder, 'durations.log'))).toBe(false);
    const measured = `require(${lib}).measure('a', () => 1).then(console.log)`;
    const env = { ...process.env, CASTOFF_HISTORY: '/proc/castoff' };
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      [...withTypeScript, '-e', measured],
      { env },
    );
    expect([stdout, stderr]).toEqual(['1\n', '']);
  });
});

const waitForAbort = (signal: AbortSignal): Promise<void> => delay(60_000, undefined, { signal });

function throwIt(error: unknown): never {
  throw error;
}
