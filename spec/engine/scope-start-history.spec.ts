import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { GenericContainer, Wait } from 'testcontainers';
import { appendRuns } from '../../lib/durations/duration-file';
import { writeDurations } from '../../lib/durations/duration-history';
import { readDurations } from '../../lib/durations/stored-durations';
import { openScope } from '../../lib/index';
import { removeLeftovers } from '../support/leftovers';
import { rejectionOf } from '../support/rejection';
import { sleeper, specImage } from '../support/spec-image';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'castoff-history-'));
  process.env['CASTOFF_HISTORY'] = folder;
});
afterAll(async () => {
  process.env['CASTOFF_HISTORY'] = 'off';
  await rm(folder, { recursive: true, force: true });
  await removeLeftovers();
});

const learn = (scope: string, durationMs: number): void =>
  appendRuns(
    Array.from({ length: 6 }, () => ({ name: `start ${scope} GenericContainer`, durationMs })),
    process.cwd(),
  );
const definition = () => new GenericContainer(specImage).withCommand(sleeper).withNetworkMode('none');
const neverReady = () => definition().withWaitStrategy(Wait.forLogMessage('I never come'));

it('learns how long a start takes that succeeds, and nothing from one that fails', async () => {
  await using scope = openScope('learn');
  await scope.start(definition());
  await rejectionOf(scope.start(neverReady().withStartupTimeout(100)));
  writeDurations();
  const durationsMs = readDurations('start learn GenericContainer', process.cwd());
  expect(durationsMs).toHaveLength(1);
  expect(durationsMs[0]).toBeGreaterThan(0);
});

it("judges a start that reaches testcontainers' startup timeout", async () => {
  learn('slow', 60_000);
  await using scope = openScope('slow');
  const error = await rejectionOf(scope.start(neverReady().withStartupTimeout(300)));
  expect(error).toMatchObject({ code: 'START_FAILED' });
  // What would fit is less by the time that the machine took to create the container.
  expect(String(error)).toMatch(
    /\np99 over 6 runs is 1 min 0 s, the limit was 300 ms: the limit looks too tight; 1 min \d+ s would fit\n/,
  );
});

it('judges a start that the deadline of its scope ends', async () => {
  learn('short', 1);
  const scope = openScope('short', { timeoutMs: 1_500 });
  const error = await rejectionOf(scope.start(neverReady()));
  await scope.close();
  expect(error).toMatchObject({ code: 'START_FAILED', cause: { what: 'scope short' } });
  expect(String(error)).toMatch(/\ntakes 1 ms as a rule, now [1-9][\d.]* s: this hangs\n/);
});
