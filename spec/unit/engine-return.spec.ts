import { describe, expect, it } from '@jest/globals';
import { CastoffError } from '../../lib/core/errors';
import type { Engine } from '../../lib/engine/engine';
import { waitForEngine, type EngineWait } from '../../lib/reaper/daemon/engine-return';
import { rejectionOf } from '../support/rejection';
import { standInConnection } from '../support/stand-in-connection';

const engine: Engine = {
  address: 'unix:///spec.sock',
  isPodman: false,
  connection: standInConnection,
  within: () => engine,
  ask: async () => ({ meaning: 'done', value: undefined as never }),
};
const away = new CastoffError('ENGINE_UNREACHABLE', 'connection refused');

/** Connects after `calls` failures. */
function awayFor(calls: number, error: Error = away): () => Promise<Engine> {
  let left = calls;
  return async () => {
    left -= 1;
    if (left >= 0) throw error;
    return engine;
  };
}

async function wait(
  more: Partial<EngineWait>,
): Promise<{ found: Engine; tookMs: number; reported: string[] }> {
  const reported: string[] = [];
  const startedAtMs = performance.now();
  const found = await waitForEngine({
    connect: awayFor(0),
    requestTimeoutMs: 1_000,
    engineTimeoutMs: 10_000,
    returnWindowMs: 60_000,
    signal: new AbortController().signal,
    onAway: (reason) => reported.push(reason),
    ...more,
  });
  return { found, reported, tookMs: performance.now() - startedAtMs };
}

describe('waitForEngine', () => {
  it('resolves at once when the engine answers', async () => {
    expect(await wait({})).toMatchObject({ found: engine, reported: [] });
  });

  it('resolves after an outage when clients have had time to reconnect', async () => {
    const { found, reported, tookMs } = await wait({ connect: awayFor(2), returnWindowMs: 200 });
    expect(found).toBe(engine);
    expect(reported).toEqual(['connection refused']);
    expect(tookMs).toBeGreaterThan(200);
  });

  it('rejects when a client has reconnected', async () => {
    const claimedAgain = new AbortController();
    const waiting = wait({
      connect: awayFor(1),
      onAway: () => claimedAgain.abort(),
      signal: claimedAgain.signal,
    });
    expect(await rejectionOf(waiting)).toMatchObject({ name: 'AbortError' });
  });

  it('rejects when the engine stays unreachable', async () => {
    const waiting = wait({ connect: awayFor(Number.POSITIVE_INFINITY), engineTimeoutMs: 50 });
    expect(await rejectionOf(waiting)).toMatchObject({ message: 'no engine: connection refused' });
  });

  it('rejects at once for an invalid address', async () => {
    const error = new CastoffError('CONFIG_INVALID', 'no address');
    expect(await rejectionOf(wait({ connect: awayFor(1, error) }))).toBe(error);
  });
});
