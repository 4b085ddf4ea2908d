import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { cleanupContainer, isCastoffError } from '../../lib/index';
import { createIdle } from '../support/claimed-things';
import { openFaultProxy } from '../support/fault-proxy';
import { makeUndeletable } from '../support/fault-undeletable';
import { removeLeftovers } from '../support/leftovers';
import { docker, exists } from '../support/things';
import { until } from '../support/until';

afterAll(() => removeLeftovers());

describe('cleanupContainer, for a container whose files cannot be deleted', () => {
  const socketPath = '/var/run/docker.sock';
  let id: string;
  let undeletable: AsyncDisposable;
  beforeEach(async () => {
    ({ id } = await createIdle({}));
    undeletable = await makeUndeletable(socketPath, id);
  });
  let isFree = false;
  const free = async (): Promise<void> => {
    if (!isFree) await undeletable[Symbol.asyncDispose]();
    isFree = true;
  };
  beforeEach(() => void (isFree = false));
  afterEach(free);

  it('fails with the engine’s message while a container stays dead', async () => {
    const error: unknown = await cleanupContainer(id, { timeoutMs: 3_000 }).catch(
      (reason: unknown) => reason,
    );
    expect(isCastoffError(error, 'CLEANUP_FAILED')).toBe(true);
    expect(error).toMatchObject({
      message: expect.stringMatching(
        /^remove container .*: 500 .*operation not permitted \(\d+ attempts in .*, last seen dead\); .*dead/,
      ),
      evidence: {
        kind: 'container',
        id,
        lastStatus: 'dead',
        engineWords: expect.stringContaining('undeletable'),
      },
    });
    expect((await docker.getContainer(id).inspect()).State.Status).toBe('dead');
    await free();
    expect(await cleanupContainer(id)).toMatchObject({ outcome: 'removed' });
    expect(await exists('container', id)).toBe(false);
  });

  it('removes a dead container whose files become deletable during the cleanup', async () => {
    await using proxy = await openFaultProxy();
    const cleanup = cleanupContainer(id, { engine: proxy.address });
    await proxy.until(({ method, status }) => method === 'DELETE' && status === 500);
    await free();
    const { outcome, attempts } = await cleanup;
    expect(outcome).toBe('removed');
    expect(attempts).toBeGreaterThan(1);
    expect(await exists('container', id)).toBe(false);
  });

  it('does not report a container as gone when another client’s removal of it fails', async () => {
    await using proxy = await openFaultProxy();
    const theirs = Promise.allSettled([docker.getContainer(id).remove({ force: true })]);
    const isGoing = async () =>
      ['removing', 'dead'].includes((await docker.getContainer(id).inspect()).State.Status);
    expect(await until(isGoing)).toBe(true);
    const cleanup = cleanupContainer(id, { engine: proxy.address });
    expect(await theirs).toMatchObject([{ status: 'rejected', reason: { statusCode: 500 } }]);
    expect(await exists('container', id)).toBe(true);
    await proxy.until(({ method, status }) => method === 'DELETE' && status === 500);
    await free();
    expect(await cleanup).toMatchObject({ outcome: 'removed' });
    expect(await exists('container', id)).toBe(false);
  });
});
