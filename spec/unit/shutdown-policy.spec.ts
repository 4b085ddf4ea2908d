import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { nextLifecycleStep, type LifecycleState } from '../../lib/reaper/leases/shutdown-policy';

const limits = { connectionTimeoutMs: 60_000, shutdownTimeoutMs: 600_000 };
const nobody: LifecycleState = {
  mode: 'stand-alone',
  startedAtMs: 0,
  activeAtMs: 0,
  hadLease: false,
  leases: 0,
  inGracePeriod: 0,
  reaping: 0,
  watched: 0,
  isInputOver: false,
  drainingSinceMs: undefined,
};
const decide = (facts: Partial<LifecycleState>, nowMs: number) =>
  nextLifecycleStep({ ...nobody, ...facts }, limits, nowMs);
const stay = { type: 'stay' };
const noClient = { type: 'exit', why: 'no client connected' };
const allGone = { type: 'exit', why: 'the last client has disconnected' };
const asked = { type: 'exit', why: 'asked to shut down, and no client is connected' };

describe('a reaper', () => {
  it.each([
    ['stand-alone', 'waits for its first client', {}, 59_999, { ...stay, recheckAtMs: 60_000 }],
    ['stand-alone', 'ends when none came', {}, 60_000, noClient],
    ['stand-alone', 'stays while a client is there', { hadLease: true, leases: 1 }, 9e9, stay],
    ['stand-alone', 'stays while a return is waited for', { hadLease: true, inGracePeriod: 1 }, 9e9, stay],
    ['stand-alone', 'stays while it reaps', { hadLease: true, reaping: 1 }, 9e9, stay],
    ['stand-alone', 'ends when all that is done', { hadLease: true }, 5_000, allGone],
    ['attached', 'stays while it looks again', { isInputOver: true, watched: 1 }, 9e9, stay],
    ['host', 'stays while it looks again', { hadLease: true, watched: 1 }, 9e9, stay],
    ['host', 'ends when asked to while it looks again', { watched: 1, drainingSinceMs: 0 }, 1, asked],
    ['host', 'waits 10 s for the one that started it', {}, 9_999, { ...stay, recheckAtMs: 10_000 }],
    ['host', 'ends when nobody came', {}, 10_000, noClient],
    [
      'host',
      'waits 2 s for the next',
      { hadLease: true, activeAtMs: 20_000 },
      21_999,
      { ...stay, recheckAtMs: 22_000 },
    ],
    ['host', 'ends when no next one came', { hadLease: true, activeAtMs: 20_000 }, 22_000, allGone],
    [
      'host',
      'waits for one that has connected, and said nothing yet',
      { activeAtMs: 9_900 },
      10_000,
      { ...stay, recheckAtMs: 11_900 },
    ],
    ['attached', 'stays while its input lasts', { hadLease: true }, 9e9, stay],
    [
      'attached',
      'waits for the grace when its input has ended',
      { isInputOver: true, inGracePeriod: 1 },
      9e9,
      stay,
    ],
    [
      'attached',
      'ends when all is reaped then',
      { isInputOver: true, hadLease: true },
      1,
      { type: 'exit', why: 'standard input has ended' },
    ],
    ['standing', 'never ends by itself', { hadLease: true }, 9e9, stay],
  ] as const)('%s %s', (mode, _what, facts, nowMs, step) => {
    expect(decide({ mode, ...facts }, nowMs)).toEqual(step);
  });

  it.each(['stand-alone', 'attached', 'standing'] as const)('%s that is asked to end', (mode) => {
    const draining = { mode, drainingSinceMs: 1_000, hadLease: true };
    expect(decide({ ...draining, hadLease: false }, 1_000)).toEqual(asked);
    expect(decide({ ...draining, leases: 2 }, 600_999)).toEqual({ ...stay, recheckAtMs: 601_000 });
    expect(decide({ ...draining, leases: 2 }, 601_000)).toEqual({ type: 'end-leases' });
    expect(decide({ ...draining, inGracePeriod: 1 }, 1_001)).toEqual({ type: 'end-grace' });
    expect(decide({ ...draining, reaping: 1 }, 9e9)).toEqual(stay);
    expect(decide(draining, 1_001)).toEqual(asked);
  });

  it('host that is asked to end lets its clients go', () => {
    const draining = { mode: 'host', drainingSinceMs: 1_000, hadLease: true } as const;
    expect(decide({ ...draining, hadLease: false }, 1_000)).toEqual(asked);
    expect(decide({ ...draining, leases: 2, inGracePeriod: 1 }, 1_001)).toEqual({ type: 'drop-leases' });
    expect(decide({ ...draining, inGracePeriod: 1, reaping: 1 }, 1_001)).toEqual({ type: 'end-grace' });
    expect(decide({ ...draining, reaping: 1 }, 9e9)).toEqual(stay);
  });

  it('never ends while somebody is there or something is being reaped, and never asks to be looked at in the past', () => {
    const count = fc.nat(2);
    const time = fc.nat(1_000_000);
    const facts = fc.record({
      mode: fc.constantFrom('stand-alone', 'host', 'attached', 'standing'),
      startedAtMs: time,
      activeAtMs: time,
      hadLease: fc.boolean(),
      leases: count,
      inGracePeriod: count,
      reaping: count,
      watched: count,
      isInputOver: fc.boolean(),
      drainingSinceMs: fc.option(time, { nil: undefined }),
    });
    fc.assert(
      fc.property(facts, time, (what, nowMs) => {
        const step = nextLifecycleStep(what, limits, nowMs);
        if (what.leases + what.inGracePeriod + what.reaping > 0) expect(step.type).not.toBe('exit');
        if (step.type === 'stay' && step.recheckAtMs !== undefined)
          expect(step.recheckAtMs).toBeGreaterThan(nowMs);
      }),
      { numRuns: 1_000 },
    );
  });
});
