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
const away = new CastoffError('ENGINE_UNREACHABLE', 'nobody answers');

/** An engine that is away for the first so many calls. */
function awayFor(calls: number, error: Error = away): () => Promise<Engine> {
  let left = calls;
  return async () => {
    left -= 1;
    if (left >= 0) throw error;
    return engine;
  };
}

async function wait(more: Partial<EngineWait>): Promise<{ found: Engine; tookMs: number; told: string[] }> {
  const told: string[] = [];
  const startedAtMs = performance.now();
  const found = await waitForEngine({
    connect: awayFor(0),
    requestTimeoutMs: 1_000,
    engineTimeoutMs: 10_000,
    returnWindowMs: 60_000,
    signal: new AbortController().signal,
    onAway: (reason) => told.push(reason),
    ...more,
  });
  return { found, told, tookMs: performance.now() - startedAtMs };
}

describe('an engine that something is to be reaped on', () => {
  it('is there at once when it answers', async () => {
    expect(await wait({})).toMatchObject({ found: engine, told: [] });
  });

  it('that was away is there when it answers again and its clients have had time to come back', async () => {
    const { found, told, tookMs } = await wait({ connect: awayFor(2), returnWindowMs: 200 });
    expect(found).toBe(engine);
    expect(told).toEqual(['nobody answers']);
    expect(tookMs).toBeGreaterThan(200);
  });

  it('is no longer waited for when a client has come back', async () => {
    const claimedAgain = new AbortController();
    const waiting = wait({
      connect: awayFor(1),
      onAway: () => claimedAgain.abort(),
      signal: claimedAgain.signal,
    });
    expect(await rejectionOf(waiting)).toMatchObject({ name: 'AbortError' });
  });

  it('is given up when it stays away', async () => {
    const waiting = wait({ connect: awayFor(Number.POSITIVE_INFINITY), engineTimeoutMs: 50 });
    expect(await rejectionOf(waiting)).toMatchObject({ message: 'no engine: nobody answers' });
  });

  it('is not waited for at an address that is none', async () => {
    const error = new CastoffError('CONFIG_INVALID', 'no address');
    expect(await rejectionOf(wait({ connect: awayFor(1, error) }))).toBe(error);
  });
});
