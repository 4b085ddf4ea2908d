import { describe, expect, it } from '@jest/globals';
import { GenericContainer } from 'testcontainers';
import { cleanupContainer, openScope, type StartOptions } from '../../lib/index';
import { specImage } from '../support/spec-image';
import { docker, exists } from '../support/things';

/** Exits with a different code for each signal. */
const polite = "trap 'exit 7' TERM; trap 'exit 9' INT; while :; do sleep 0.1; done";
const stubborn = "trap '' TERM; while :; do sleep 0.1; done";

const definition = (script: string) =>
  new GenericContainer(specImage).withCommand(['sh', '-c', script]).withNetworkMode('none');

/** Resolves to the exit code of a removed container, read from the engine's events. */
async function exitCodeOf(id: string): Promise<string | undefined> {
  const until = Math.ceil(Date.now() / 1_000);
  const filters = { container: [id], event: ['die'] };
  const stream = await docker.getEvents({ since: until - 300, until, filters });
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return (JSON.parse(text) as { Actor: { Attributes: { exitCode?: string } } }).Actor.Attributes.exitCode;
}

async function exitCodeAfterClose(script: string, options?: StartOptions): Promise<string | undefined> {
  const scope = openScope('graceful');
  const container = await scope.start(definition(script), options);
  // Returns after the shell has set its traps.
  await container.exec(['true']);
  await scope.close();
  expect(await exists('container', container.getId())).toBe(false);
  return exitCodeOf(container.getId());
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
    expect(await exitCodeAfterClose(script, options)).toBe(exitCode);
  });
});

describe('cleanupContainer', () => {
  it('sends the stopSignal and waits for the container to stop', async () => {
    const container = await definition(polite).start();
    await container.exec(['true']);
    await cleanupContainer(container, { stopSignal: 'SIGINT' });
    expect(await exitCodeOf(container.getId())).toBe('9');
  });

  it('removes a container that has already stopped', async () => {
    const container = await definition('exit 0').start();
    await docker.getContainer(container.getId()).wait();
    expect(await cleanupContainer(container, { stopSignal: 'SIGINT' })).toMatchObject({ outcome: 'removed' });
  });
});
