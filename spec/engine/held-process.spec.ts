import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from '@jest/globals';
import { openFaultProxy } from '../support/fault-proxy';
import type { Rule } from '../support/fault-rules';
import { removeLeftovers } from '../support/leftovers';
import { createRunningContainer, exists } from '../support/things';

const run = promisify(execFile);
const built = join(__dirname, '../../dist/index.js');

afterAll(() => removeLeftovers());

/** A process that cleans up a container, and says how that ended and how long it lived on after it. */
const program = `
  const { cleanupContainer } = require(process.argv[1]);
  const [, , id, engine, options] = process.argv;
  const { abortAfterMs, ...rest } = JSON.parse(options);
  const signal = abortAfterMs === undefined ? undefined : AbortSignal.timeout(abortAfterMs);
  let endedAt;
  const end = (what) => {
    endedAt = performance.now();
    console.log(what);
  };
  cleanupContainer(id, { engine, signal, ...rest }).then(({ outcome }) => end(outcome), (error) => end(typeof error.code === 'string' ? error.code : error.name));
  process.on('exit', () => console.log(endedAt === undefined ? 'not ended' : performance.now() - endedAt));
`;

async function cleanUpInProcess(id: string, engine: string, options: object) {
  const args = ['-e', program, built, id, engine, JSON.stringify(options)];
  const { stdout } = await run(process.execPath, args, { timeout: 20_000 });
  const [end, lingeredMs] = stdout.trim().split('\n');
  return { end, lingeredMs: Number(lingeredMs) };
}

const swallow = { type: 'swallow' } as const;
const forEver = { times: Infinity };

describe('a process whose cleanup is never answered', () => {
  it.each<[string, object, string, readonly Rule[]]>([
    ['the removal', { timeoutMs: 500 }, 'CLEANUP_FAILED', [{ on: 'DELETE **', fault: swallow, ...forEver }]],
    [
      'every call about it',
      { timeoutMs: 500 },
      'CLEANUP_FAILED',
      [{ on: '* /containers/**', fault: swallow, ...forEver }],
    ],
    [
      'the wait for somebody else’s removal',
      { timeoutMs: 500 },
      'CLEANUP_FAILED',
      [
        { on: 'POST /containers/*/wait', fault: swallow, ...forEver },
        {
          on: 'DELETE **',
          fault: { type: 'answer', status: 409, message: 'removal of container x is already in progress' },
          ...forEver,
        },
      ],
    ],
    [
      'the stop',
      { timeoutMs: 500, stopTimeoutMs: 5_000 },
      'CLEANUP_FAILED',
      [{ on: 'POST **', fault: swallow, ...forEver }],
    ],
    [
      'the post-mortem',
      { timeoutMs: 500, postMortem: true },
      'CLEANUP_FAILED',
      [{ on: 'GET /containers/**', fault: swallow, ...forEver }],
    ],
    [
      'an aborted removal',
      { abortAfterMs: 300 },
      'TimeoutError',
      [{ on: 'DELETE **', fault: swallow, ...forEver }],
    ],
  ])('ends by itself when the cleanup has: %s', async (_what, options, expected, rules) => {
    await using proxy = await openFaultProxy();
    for (const rule of rules) proxy.inject(rule);
    const id = await createRunningContainer();
    const { end, lingeredMs } = await cleanUpInProcess(id, proxy.address, options);
    expect(end).toBe(expected);
    expect(lingeredMs).toBeLessThan(250);
    expect(await exists('container', id)).toBe(true);
  });
});

it('ends by itself while a deadline is still to come', async () => {
  const script = `
    require(process.argv[1]).deadline(60_000, { what: 'anything' });
    console.log('set');
  `;
  const startedAt = performance.now();
  const { stdout } = await run(process.execPath, ['-e', script, built], { timeout: 20_000 });
  expect(stdout).toMatch(/^set\n/);
  expect(performance.now() - startedAt).toBeLessThan(10_000);
});

describe('a process that does nothing but clean up', () => {
  it('lives until it is done', async () => {
    await using proxy = await openFaultProxy();
    const id = await createRunningContainer();
    proxy.inject({ on: 'DELETE **', fault: { type: 'delay', ms: 500 } });
    proxy.inject({
      on: 'GET /containers/*/json',
      fault: { type: 'answer', status: 500, message: 'no luck' },
    });
    const { end, lingeredMs } = await cleanUpInProcess(id, proxy.address, {});
    expect(end).toBe('removed');
    expect(lingeredMs).toBeLessThan(250);
    expect(await exists('container', id)).toBe(false);
  });
});
