import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { nextLifecycleStep, type LifecycleState } from '../../lib/reaper/leases/shutdown-policy';

const limits = { connectionTimeoutMs: 60_000, shutdownTimeoutMs: 600_000 };
const idle: LifecycleState = {
  mode: 'ryuk',
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
  nextLifecycleStep({ ...idle, ...facts }, limits, nowMs);
const stay = { type: 'stay' };
const noClient = { type: 'exit', why: 'no client connected' };
const lastLeft = { type: 'exit', why: 'the last client has disconnected' };
const asked = { type: 'exit', why: 'asked to shut down, and no client is connected' };

describe('a reaper', () => {
  it.each([
    ['ryuk', 'waits for its first client', {}, 59_999, { ...stay, recheckAtMs: 60_000 }],
    ['ryuk', 'exits when none connects', {}, 60_000, noClient],
    ['ryuk', 'stays while a client is connected', { hadLease: true, leases: 1 }, 9e9, stay],
    ['ryuk', 'stays during a grace period', { hadLease: true, inGracePeriod: 1 }, 9e9, stay],
    ['ryuk', 'stays while it reaps', { hadLease: true, reaping: 1 }, 9e9, stay],
    ['ryuk', 'exits when nothing is left to do', { hadLease: true }, 5_000, lastLeft],
    ['sidecar', 'stays while it watches claims', { isInputOver: true, watched: 1 }, 9e9, stay],
    ['host', 'stays while it watches claims', { hadLease: true, watched: 1 }, 9e9, stay],
    ['host', 'exits when asked to while it watches claims', { watched: 1, drainingSinceMs: 0 }, 1, asked],
    ['host', 'waits 10 s for the client that started it', {}, 9_999, { ...stay, recheckAtMs: 10_000 }],
    ['host', 'exits when no client connects', {}, 10_000, noClient],
    [
      'host',
      'waits 2 s for the next client',
      { hadLease: true, activeAtMs: 20_000 },
      21_999,
      { ...stay, recheckAtMs: 22_000 },
    ],
    ['host', 'exits when no other client connects', { hadLease: true, activeAtMs: 20_000 }, 22_000, lastLeft],
    [
      'host',
      'waits for a client that has connected, but sent nothing yet',
      { activeAtMs: 9_900 },
      10_000,
      { ...stay, recheckAtMs: 11_900 },
    ],
    ['sidecar', 'stays while its input lasts', { hadLease: true }, 9e9, stay],
    [
      'sidecar',
      'waits for the grace period when its input has ended',
      { isInputOver: true, inGracePeriod: 1 },
      9e9,
      stay,
    ],
    [
      'sidecar',
      'exits when everything is reaped then',
      { isInputOver: true, hadLease: true },
      1,
      { type: 'exit', why: 'standard input has ended' },
    ],
    ['daemon', 'never exits by itself', { hadLease: true }, 9e9, stay],
  ] as const)('%s %s', (mode, _what, facts, nowMs, step) => {
    expect(decide({ mode, ...facts }, nowMs)).toEqual(step);
  });

  it.each(['ryuk', 'sidecar', 'daemon'] as const)(
    '%s drains: waits for clients, then ends leases, then reaps and exits',
    (mode) => {
      const draining = { mode, drainingSinceMs: 1_000, hadLease: true };
      expect(decide({ ...draining, hadLease: false }, 1_000)).toEqual(asked);
      expect(decide({ ...draining, leases: 2 }, 600_999)).toEqual({ ...stay, recheckAtMs: 601_000 });
      expect(decide({ ...draining, leases: 2 }, 601_000)).toEqual({ type: 'end-leases' });
      expect(decide({ ...draining, inGracePeriod: 1 }, 1_001)).toEqual({ type: 'end-grace' });
      expect(decide({ ...draining, reaping: 1 }, 9e9)).toEqual(stay);
      expect(decide(draining, 1_001)).toEqual(asked);
    },
  );

  it('host drains: drops the leases of its clients, then reaps and exits', () => {
    const draining = { mode: 'host', drainingSinceMs: 1_000, hadLease: true } as const;
    expect(decide({ ...draining, hadLease: false }, 1_000)).toEqual(asked);
    expect(decide({ ...draining, leases: 2, inGracePeriod: 1 }, 1_001)).toEqual({ type: 'drop-leases' });
    expect(decide({ ...draining, inGracePeriod: 1, reaping: 1 }, 1_001)).toEqual({ type: 'end-grace' });
    expect(decide({ ...draining, reaping: 1 }, 9e9)).toEqual(stay);
  });

  it('never exits while a lease, a grace period or a reaping lasts, and never schedules a check in the past', () => {
    const count = fc.nat(2);
    const time = fc.nat(1_000_000);
    const facts = fc.record({
      mode: fc.constantFrom('ryuk', 'host', 'sidecar', 'daemon'),
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
