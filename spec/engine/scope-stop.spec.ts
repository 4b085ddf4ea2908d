import { describe, expect, it } from '@jest/globals';
import { GenericContainer, Wait } from 'testcontainers';
import { cleanupContainer, openScope, type StartOptions } from '../../lib/index';
import { watchExitCodes } from '../support/exit-codes';
import { specImage } from '../support/spec-image';
import { docker, exists } from '../support/things';

/** Exits with a different code for each signal. */
const polite = "trap 'exit 7' TERM; trap 'exit 9' INT; echo ready; while :; do sleep 0.1; done";
const stubborn = "trap '' TERM; echo ready; while :; do sleep 0.1; done";

/** Counts as started when the shell has set its traps. */
const definition = (script: string) =>
  new GenericContainer(specImage)
    .withCommand(['sh', '-c', script])
    .withNetworkMode('none')
    .withWaitStrategy(Wait.forLogMessage('ready'));

async function exitCodesAfterClose(script: string, options?: StartOptions): Promise<readonly string[]> {
  const scope = openScope('graceful');
  const container = await scope.start(definition(script), options);
  const exitCodes = await watchExitCodes(container.getId());
  await scope.close();
  expect(await exists('container', container.getId())).toBe(false);
  return exitCodes();
}

describe('a container started in a scope', () => {
  it.each<[string, string, StartOptions | undefined, string]>([
    ['is killed by default', polite, undefined, '137'],
    ['has stopTimeoutMs to stop', polite, { stopTimeoutMs: 20_000 }, '7'],
    ['receives the stopSignal', polite, { stopSignal: 'SIGINT', stopTimeoutMs: 20_000 }, '9'],
    ['is killed after stopTimeoutMs', stubborn, { stopTimeoutMs: 1_000 }, '137'],
    [
      'is killed when it ignores the stopSignal',
      stubborn,
      { stopSignal: 'SIGTERM', stopTimeoutMs: 500 },
      '137',
    ],
  ])('%s', async (_, script, options, exitCode) => {
    expect(await exitCodesAfterClose(script, options)).toEqual([exitCode]);
  });
});

describe('cleanupContainer', () => {
  it('sends the stopSignal and waits for the container to stop', async () => {
    const container = await definition(polite).start();
    const exitCodes = await watchExitCodes(container.getId());
    await cleanupContainer(container, { stopSignal: 'SIGINT' });
    expect(await exitCodes()).toEqual(['9']);
  });

  it('removes a container that has already stopped', async () => {
    const container = await definition('echo ready').start();
    await docker.getContainer(container.getId()).wait();
    expect(await cleanupContainer(container, { stopSignal: 'SIGINT' })).toMatchObject({ outcome: 'removed' });
  });
});
