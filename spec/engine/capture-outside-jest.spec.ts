import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { removeLeftovers } from '../support/leftovers';
import { specLabel } from '../support/things';
import { withTypeScript } from '../support/with-typescript';

const run = promisify(execFile);

interface CapturedResource {
  readonly kind: string;
  readonly id: string;
  readonly line: string;
  readonly state?: string;
  readonly outcome?: string;
}

let output: Awaited<ReturnType<typeof runProgram>>;
beforeAll(async () => void (output = await runProgram()));
afterAll(() => removeLeftovers());

async function runProgram() {
  const program = join(__dirname, '../fixtures/capture/captured.cjs');
  const { stdout } = await run(process.execPath, [...withTypeScript, program, JSON.stringify(specLabel)], {
    // Otherwise Node uses the environment of the process, which differs from that of the sandbox.
    env: process.env,
  });
  return JSON.parse(stdout);
}

it('captures what an ES module creates and removes outside Jest', () => {
  const { resources, created, removed }: Readonly<Record<string, readonly CapturedResource[]>> = output;
  expect(resources).toHaveLength(2);
  expect(created).toEqual(resources?.map((resource) => ({ ...resource, state: 'present' })));
  expect(removed).toEqual(
    resources?.map((resource) => ({ ...resource, state: 'gone', outcome: 'removed-by-code' })),
  );
});

it('captures commands run through a function imported before, and restores that function', () => {
  const { volume, entry, isOriginal } = output;
  expect(entry).toMatchObject({ name: volume.name, line: volume.line });
  expect(volume.labels).toMatchObject({ 'castoff.start': entry.key });
  expect(isOriginal).toBe(true);
});
