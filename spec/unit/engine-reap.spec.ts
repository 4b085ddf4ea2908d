import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { CastoffError } from '../../lib/core/errors';
import type { Engine } from '../../lib/engine/engine';
import { checkClaim } from '../../lib/reaper/leases/claim';
import { reapOnEngine } from '../../lib/reaper/daemon/engine-reap';
import { readSettings } from '../../lib/reaper/daemon/settings';
import type { ReapCallOptions } from '../../lib/reaper/reaping/reap-jobs';
import { rejectionOf } from '../support/rejection';
import { standInConnection } from '../support/stand-in-connection';

const check = checkClaim(['castoff.session=s']);
if ('refusal' in check) throw new Error(check.refusal);
const { claim } = check;
const never = new AbortController().signal;
const away = new CastoffError('ENGINE_UNREACHABLE', 'connection refused');

/** An engine that answers a ping, and nothing else: a reaping on it ends early. */
const engine: Engine = {
  address: 'unix:///spec.sock',
  isPodman: false,
  connection: standInConnection,
  within: () => engine,
  ask: async () => ({ meaning: 'done', value: undefined as never }),
  get: async () => ({ meaning: 'done', value: {} }),
};

/** Connects after `calls` failures. */
function awayFor(calls: number, error: Error = away): () => Promise<Engine> {
  let left = calls;
  return async () => {
    left -= 1;
    if (left >= 0) throw error;
    return engine;
  };
}

/** Reaps in place of Ryuk, where the window for clients to reconnect is a setting. */
async function reap(connect: () => Promise<Engine>, windowMs: number, more: Partial<ReapCallOptions> = {}) {
  const reported: string[] = [];
  const startedAtMs = performance.now();
  const { reap: start } = reapOnEngine({
    mode: 'ryuk',
    settings: { ...readSettings({}), reconnectionTimeoutMs: windowMs },
    observe: (event) => {
      if (event.type === 'noted') reported.push(event.text);
    },
    connect,
  });
  await start(claim, {
    lastHolder: 'spec',
    sinceMs: startedAtMs,
    isLate: false,
    signal: never,
    endSoon: never,
    ...more,
  });
  return { reported, tookMs: performance.now() - startedAtMs };
}

describe('a reaping', () => {
  it('starts at once when the engine answers', async () => {
    const { reported, tookMs } = await reap(awayFor(0), 60_000);
    expect(reported).toEqual([]);
    expect(tookMs).toBeLessThan(10_000);
  });

  it('starts after an outage when clients have had time to reconnect', async () => {
    const { reported, tookMs } = await reap(awayFor(2), 200);
    expect(reported).toEqual(['wait for the engine to reap castoff.session=s: connection refused']);
    expect(tookMs).toBeGreaterThan(200);
  });

  it('does not start when a client has reconnected after an outage', async () => {
    const claimedAgain = new AbortController();
    const connect = awayFor(1);
    const reconnecting = async (): Promise<Engine> => {
      setTimeout(() => claimedAgain.abort(), 300);
      return connect();
    };
    const reaping = reap(reconnecting, 60_000, { signal: claimedAgain.signal });
    expect(await rejectionOf(reaping)).toMatchObject({ name: 'AbortError' });
  });

  it('fails at once for an invalid address', async () => {
    const error = new CastoffError('CONFIG_INVALID', 'no address');
    expect(await rejectionOf(reap(awayFor(1, error), 60_000))).toBe(error);
  });
});

describe('a reaping on an unreachable engine', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  /** Resolves to the error of a reaping that has given up after `afterMs`. */
  async function errorAfter(isLate: boolean, afterMs: number): Promise<unknown> {
    const leaving = new AbortController();
    let error: unknown;
    const unreachable = awayFor(Number.POSITIVE_INFINITY);
    const reaping = reap(unreachable, 60_000, { isLate, signal: leaving.signal }).catch(
      (reason: unknown) => (error = reason),
    );
    await jest.advanceTimersByTimeAsync(afterMs);
    const given = error;
    leaving.abort();
    await reaping;
    return given;
  }

  it('waits for minutes after a crash, and at most 10 s for a later listing', async () => {
    expect(await errorAfter(false, 60_000)).toBeUndefined();
    expect(await errorAfter(true, 10_000)).toMatchObject({ message: 'no engine: connection refused' });
  });
});
