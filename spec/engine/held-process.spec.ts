import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from '@jest/globals';
import { openFaultProxy } from '../support/fault-proxy';
import type { Rule } from '../support/fault-rules';
import { removeLeftovers } from '../support/leftovers';
import { createIdleContainer, createRunningContainer, exists } from '../support/things';

const run = promisify(execFile);
const built = join(__dirname, '../../dist/index.js');

afterAll(() => removeLeftovers());

/** A process that cleans up a container, and prints how that ended. */
const program = `
  const { cleanupContainer } = require(process.argv[1]);
  const [, , id, engine, options] = process.argv;
  const { abortAfterMs, ...rest } = JSON.parse(options);
  const signal = abortAfterMs === undefined ? undefined : AbortSignal.timeout(abortAfterMs);
  const end = (what) => process.stdout.write(what);
  cleanupContainer(id, { engine, signal, ...rest }).then(({ outcome }) => end(outcome), (error) => end(typeof error.code === 'string' ? error.code : error.name));
`;

/** Rejects where the process does not end by itself. */
async function cleanUpInProcess(id: string, engine: string, options: object): Promise<string> {
  const args = ['-e', program, built, id, engine, JSON.stringify(options)];
  const { stdout } = await run(process.execPath, args, { timeout: 20_000 });
  return stdout;
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
    // Only what runs can be stopped.
    const id = await ('stopTimeoutMs' in options ? createRunningContainer() : createIdleContainer());
    expect(await cleanUpInProcess(id, proxy.address, options)).toBe(expected);
    expect(await exists('container', id)).toBe(true);
  });
});

it('ends by itself while a deadline is still to come', async () => {
  const script = `
    require(process.argv[1]).deadline(60_000, { what: 'anything' });
    process.stdout.write('set');
  `;
  const { stdout } = await run(process.execPath, ['-e', script, built], { timeout: 20_000 });
  expect(stdout).toBe('set');
});

describe('a process that does nothing but clean up', () => {
  it('lives until it is done', async () => {
    await using proxy = await openFaultProxy();
    const id = await createIdleContainer();
    proxy.inject({ on: 'DELETE **', fault: { type: 'delay', ms: 500 } });
    proxy.inject({
      on: 'GET /containers/*/json',
      fault: { type: 'answer', status: 500, message: 'no luck' },
    });
    expect(await cleanUpInProcess(id, proxy.address, {})).toBe('removed');
    expect(await exists('container', id)).toBe(false);
  });
});
