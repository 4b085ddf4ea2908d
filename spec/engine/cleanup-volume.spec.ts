import { afterAll, describe, expect, it } from '@jest/globals';
import { cleanupContainer, cleanupVolume, isCastoffError } from '../../lib/index';
import { openFaultProxy } from '../support/fault-proxy';
import { removeLeftovers } from '../support/leftovers';
import { createIdleContainer, createThing, docker, exists, uniqueName } from '../support/things';

afterAll(() => removeLeftovers());

const createUserOf = (volume: string): Promise<string> =>
  createIdleContainer({ HostConfig: { Binds: [`${volume}:/data`] } });

describe('cleanupVolume', () => {
  it('removes a volume, and verifies that it is gone', async () => {
    const name = await createThing('volume');
    expect(await cleanupVolume(name)).toMatchObject({
      kind: 'volume',
      id: name,
      outcome: 'removed',
      attempts: 1,
    });
    expect(await exists('volume', name)).toBe(false);
  });

  it('finds a volume by dockerode’s object', async () => {
    const name = await createThing('volume');
    expect(await cleanupVolume({ id: docker.getVolume(name).name })).toMatchObject({ outcome: 'removed' });
    expect(await exists('volume', name)).toBe(false);
  });

  it('reports a missing volume as already gone', async () => {
    expect(await cleanupVolume(uniqueName())).toMatchObject({ outcome: 'already-gone', attempts: 0 });
  });

  it('waits while a container uses a volume', async () => {
    await using proxy = await openFaultProxy();
    const name = await createThing('volume');
    const user = await createUserOf(name);
    const cleanup = cleanupVolume(name, { engine: proxy.address });
    await proxy.until(({ method, status }) => method === 'DELETE' && status === 409);
    await cleanupContainer(user);
    const { outcome, attempts } = await cleanup;
    expect(outcome).toBe('removed');
    expect(attempts).toBeGreaterThan(1);
    expect(await exists('volume', name)).toBe(false);
  });

  it('fails with the engine’s message when a container uses a volume until the deadline', async () => {
    const name = await createThing('volume');
    const user = await createUserOf(name);
    const error: unknown = await cleanupVolume(name, { timeoutMs: 4_000 }).catch((reason: unknown) => reason);
    expect(isCastoffError(error, 'CLEANUP_FAILED')).toBe(true);
    expect(error).toMatchObject({
      message: expect.stringMatching(
        new RegExp(`^remove volume ${name}: 409 .*volume is in use - \\[${user}\\] .*attempts in`),
      ),
      evidence: { kind: 'volume', id: name, engineWords: expect.stringContaining('volume is in use') },
    });
    expect(await exists('volume', name)).toBe(true);
  });

  it('is not forced by a query in the name of an unknown volume', async () => {
    const name = await createThing('volume');
    expect(await cleanupVolume(`${name}?force=1`)).toMatchObject({ outcome: 'already-gone' });
    expect(await exists('volume', name)).toBe(true);
  });
});
