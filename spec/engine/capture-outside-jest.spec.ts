import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { removeLeftovers } from '../support/leftovers';
import { specLabel } from '../support/things';

const run = promisify(execFile);

interface Noted {
  readonly kind: string;
  readonly id: string;
  readonly line: string;
  readonly state?: string;
  readonly outcome?: string;
}

let watched: Awaited<ReturnType<typeof runWatched>>;
beforeAll(async () => void (watched = await runWatched()));
afterAll(() => removeLeftovers());

async function runWatched() {
  const program = join(__dirname, '../fixtures/capture/watched.cjs');
  const hooks = join(__dirname, '../support/require-typescript.cjs');
  const { stdout } = await run(process.execPath, ['--require', hooks, program, JSON.stringify(specLabel)], {
    // Without it Node takes the environment of its own process, which is not the sandbox's.
    env: process.env,
  });
  return JSON.parse(stdout);
}

it('sees what an ES module creates outside of every sandbox, and what it removes', () => {
  const { things, created, removed }: Readonly<Record<string, readonly Noted[]>> = watched;
  expect(things).toHaveLength(2);
  expect(created).toEqual(things?.map((thing) => ({ ...thing, state: 'present' })));
  expect(removed).toEqual(things?.map((thing) => ({ ...thing, state: 'gone', outcome: 'removed-by-code' })));
});

it('sees what it creates by a function of Node’s that it had before, and gives that back', () => {
  const { volume, entry, isNodesOwn } = watched;
  expect(entry).toMatchObject({ name: volume.name, line: volume.line });
  expect(volume.labels).toMatchObject({ 'castoff.start': entry.key });
  expect(isNodesOwn).toBe(true);
});
