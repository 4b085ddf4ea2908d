import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { checkClaim, type Claim } from '../../lib/reaper/leases/claim';
import {
  advanceLeases,
  countClaims,
  countPhases,
  nextExpiryMs,
  noLeases,
  type LeaseAction,
  type LeaseEvent,
  type LeaseState,
} from '../../lib/reaper/leases/leases';

function claimOf(key: string): Claim {
  const check = checkClaim([`key=${key}`]);
  if ('refusal' in check) throw new Error(check.refusal);
  return check.claim;
}

/** Applies the events in order; returns the actions of each. */
function play(events: readonly LeaseEvent[]): { state: LeaseState; actions: readonly LeaseAction[][] } {
  let state = noLeases;
  const actions = events.map((event) => {
    const step = advanceLeases(state, event);
    ({ state } = step);
    return [...step.actions];
  });
  return { state, actions };
}

const web = claimOf('web');
const opened = (lease: string): LeaseEvent => ({ type: 'opened', lease, holder: `of ${lease}`, atMs: 0 });
const claimed = (lease: string, claim = web): LeaseEvent => ({ type: 'claimed', lease, claim });
const closed = (lease: string, atMs: number, graceMs = 500): LeaseEvent => ({
  type: 'closed',
  lease,
  graceMs,
  atMs,
});
const passed = (atMs: number): LeaseEvent => ({ type: 'time-passed', atMs });
const reap = (run: number, lastHolder: string): unknown =>
  expect.objectContaining({ type: 'reap', claim: web, lastHolder, run });

describe('a claim', () => {
  it('is reaped when its lease has ended and the grace period expires, and not before', () => {
    const { actions } = play([opened('a'), claimed('a'), closed('a', 1_000), passed(1_499), passed(1_500)]);
    expect(actions).toEqual([[], [], [], [], [reap(1, 'of a')]]);
  });

  it('is kept while another lease holds it', () => {
    const both = [opened('a'), opened('b'), claimed('a'), claimed('b')];
    const { actions } = play([...both, closed('a', 0), passed(9_000), closed('b', 9_000), passed(9_500)]);
    expect(actions.flat()).toEqual([reap(1, 'of b')]);
  });

  it('is reaped although other leases are open', () => {
    const { actions } = play([
      opened('a'),
      opened('b'),
      claimed('a'),
      claimed('b', claimOf('db')),
      closed('a', 0, 0),
    ]);
    expect(actions.at(-1)).toEqual([reap(1, 'of a')]);
  });

  it('is kept when it is claimed again within the grace period', () => {
    const { state, actions } = play([
      opened('a'),
      claimed('a'),
      closed('a', 0),
      opened('b'),
      claimed('b'),
      passed(9_000),
    ]);
    expect(actions.flat()).toEqual([]);
    expect(state.orphaned.size).toBe(0);
  });

  describe('whose client died', () => {
    const died: LeaseEvent = { type: 'closed', lease: 'a', graceMs: 0, latePausesMs: [5, 10], atMs: 0 };
    const reaped = (run: number, atMs: number): LeaseEvent => ({ type: 'reaped', key: web.key, run, atMs });
    const isLate = expect.objectContaining({ type: 'reap', isLate: true });
    const reapedOnce = [opened('a'), claimed('a'), died, reaped(1, 100)];

    it('is reaped again after each pause, and then no more', () => {
      const { state, actions } = play([
        ...reapedOnce,
        passed(104),
        passed(105),
        reaped(2, 110),
        passed(120),
        reaped(3, 121),
        passed(1_000_000),
      ]);
      expect(actions.map((each) => each.length)).toEqual([0, 0, 1, 0, 0, 1, 0, 1, 0, 0]);
      expect([actions[5], actions[7]]).toEqual([[isLate], [isLate]]);
      expect([...state.orphaned.values()]).toEqual([]);
    });

    it('is not listed again after it is claimed again, or taken over by another reaper', () => {
      const again = play([...reapedOnce, opened('b'), claimed('b'), passed(1_000)]);
      expect(again.actions.flat()).toHaveLength(1);
      const given: LeaseEvent = { type: 'reaped', key: web.key, run: 1, isSkipped: true, atMs: 100 };
      const elsewhere = play([opened('a'), claimed('a'), died, given, passed(1_000)]);
      expect(elsewhere.actions.flat()).toHaveLength(1);
    });

    it('is watched together with at most a hundred others', () => {
      const claims = Array.from({ length: 150 }, (_unused, index) => claimOf(`late-${index}`));
      const events = [opened('a'), ...claims.map((each) => claimed('a', each)), died];
      const { state } = play(events);
      let now = state;
      for (const [key, known] of state.orphaned.entries())
        if (known.phase === 'reaping')
          now = advanceLeases(now, { type: 'reaped', key, run: known.run, atMs: 100 }).state;
      expect(countPhases(now)).toEqual({ 'grace-period': 0, reaping: 0, watched: 100 });
    });
  });

  it('stops its reaping when it is claimed again, and the end of that reaping has no effect', () => {
    const again = [
      opened('a'),
      claimed('a'),
      closed('a', 0, 0),
      opened('b'),
      claimed('b'),
      closed('b', 1, 0),
    ];
    const { state, actions } = play([...again, { type: 'reaped', key: web.key, run: 1, atMs: 2 }]);
    expect(actions[4]).toEqual([{ type: 'stop-reaping', key: web.key, run: 1 }]);
    expect(actions[5]).toEqual([reap(2, 'of b')]);
    expect([...state.orphaned.values()]).toMatchObject([{ phase: 'reaping', run: 2 }]);
  });

  it('is not reaped after its release', () => {
    const { state, actions } = play([
      opened('a'),
      claimed('a'),
      { type: 'released', lease: 'a', key: web.key },
      closed('a', 0, 0),
    ]);
    expect(actions.flat()).toEqual([]);
    expect(countClaims(state)).toBe(0);
  });

  it('is reaped at once when the grace period is ended', () => {
    const { actions } = play([opened('a'), claimed('a'), closed('a', 0, 600_000), { type: 'grace-ended' }]);
    expect(actions.at(-1)).toEqual([reap(1, 'of a')]);
  });

  it('has no effect if its lease is unknown', () => {
    const { state } = play([claimed('unknown'), closed('unknown', 0, 0)]);
    expect(state).toEqual(noLeases);
  });
});

const leases = ['a', 'b', 'c', 'd'];
const keys = ['w', 'x', 'y'].map((key) => claimOf(key));
type Deed =
  | { readonly do: 'open' | 'bye'; readonly lease: string }
  | { readonly do: 'claim' | 'release'; readonly lease: string; readonly claim: Claim }
  | { readonly do: 'vanish'; readonly lease: string; readonly graceMs: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'finish' };

const deeds = fc.array(
  fc.oneof(
    fc.record({ do: fc.constantFrom('open' as const, 'bye' as const), lease: fc.constantFrom(...leases) }),
    fc.record({
      do: fc.constantFrom('claim' as const, 'claim' as const, 'release' as const),
      lease: fc.constantFrom(...leases),
      claim: fc.constantFrom(...keys),
    }),
    fc.record({ do: fc.constant('vanish' as const), lease: fc.constantFrom(...leases), graceMs: fc.nat(50) }),
    fc.record({ do: fc.constant('wait' as const), ms: fc.nat(40) }),
    fc.record({ do: fc.constant('finish' as const) }),
  ),
  { maxLength: 60 },
);

/** The expected behaviour as a simpler model: the leases of each key, and the end of its grace period. */
class Model {
  nowMs = 0;
  state = noLeases;
  readonly #held = new Map<string, Set<string>>();
  readonly #expiresAtMs = new Map<string, number>();
  readonly #reaping = new Map<string, { run: number; isOn: boolean }>();

  do(deed: Deed): void {
    switch (deed.do) {
      case 'open':
        if (!this.#held.has(deed.lease)) this.#held.set(deed.lease, new Set());
        return this.#expect({ type: 'opened', lease: deed.lease, holder: deed.lease, atMs: this.nowMs }, []);
      case 'claim':
        return this.#claim(deed.lease, deed.claim);
      case 'release':
        this.#held.get(deed.lease)?.delete(deed.claim.key);
        return this.#expect({ type: 'released', lease: deed.lease, key: deed.claim.key }, []);
      case 'bye':
        return this.#close(deed.lease, 0);
      case 'vanish':
        return this.#close(deed.lease, deed.graceMs);
      case 'wait':
        this.nowMs += deed.ms;
        return this.#expect({ type: 'time-passed', atMs: this.nowMs }, this.#takeDue());
      case 'finish':
        for (const [key, { run }] of this.#reaping) {
          this.#reaping.delete(key);
          this.#expect({ type: 'reaped', key, run, atMs: this.nowMs }, []);
        }
    }
  }

  #isHeld(key: string): boolean {
    return [...this.#held.values()].some((claims) => claims.has(key));
  }

  #claim(lease: string, claim: Claim): void {
    const stops = this.#held.has(lease) && this.#reaping.delete(claim.key) ? [claim.key] : [];
    if (this.#held.has(lease)) this.#expiresAtMs.delete(claim.key);
    this.#held.get(lease)?.add(claim.key);
    this.#expect({ type: 'claimed', lease, claim }, [], stops);
  }

  #close(lease: string, graceMs: number): void {
    const claims = this.#held.get(lease) ?? [];
    this.#held.delete(lease);
    for (const key of claims) if (!this.#isHeld(key)) this.#expiresAtMs.set(key, this.nowMs + graceMs);
    this.#expect({ type: 'closed', lease, graceMs, atMs: this.nowMs }, this.#takeDue());
  }

  #takeDue(): string[] {
    const due = [...this.#expiresAtMs]
      .filter(([, expiresAtMs]) => expiresAtMs <= this.nowMs)
      .map(([key]) => key);
    for (const key of due) this.#expiresAtMs.delete(key);
    return due;
  }

  #expect(event: LeaseEvent, reaped: readonly string[], stopped: readonly string[] = []): void {
    const { state, actions } = advanceLeases(this.state, event);
    this.state = state;
    for (const action of actions)
      if (action.type === 'reap') this.#reaping.set(action.claim.key, { run: action.run, isOn: true });
    const keysOf = (type: LeaseAction['type']) =>
      actions.filter((action) => action.type === type).map((a) => ('claim' in a ? a.claim.key : a.key));
    expect(keysOf('reap').toSorted()).toEqual(reaped.toSorted());
    expect(keysOf('stop-reaping')).toEqual(stopped);
    expect(reaped.filter((key) => this.#isHeld(key))).toEqual([]);
    expect(countPhases(state)['grace-period']).toBe(this.#expiresAtMs.size);
    expect(nextExpiryMs(state)).toBe(
      this.#expiresAtMs.size === 0 ? undefined : Math.min(...this.#expiresAtMs.values()),
    );
    expect(state.orphaned.size).toBe(this.#expiresAtMs.size + this.#reaping.size);
    const held = [...this.#held.values()].reduce((sum, claims) => sum + claims.size, 0);
    expect(countClaims(state)).toBe(held + state.orphaned.size);
  }
}

describe('after any sequence of events', () => {
  it('a claim is reaped if and only if no lease holds it and its grace period has expired', () => {
    fc.assert(
      fc.property(deeds, (what) => {
        const model = new Model();
        for (const deed of what) model.do(deed);
      }),
      { numRuns: 2_000 },
    );
  });

  it('the state is empty when all leases have ended and all claims are reaped', () => {
    fc.assert(
      fc.property(deeds, (what) => {
        const model = new Model();
        for (const deed of what) model.do(deed);
        for (const lease of leases) model.do({ do: 'bye', lease });
        model.do({ do: 'wait', ms: 1_000 });
        model.do({ do: 'finish' });
        expect([model.state.leases.size, model.state.orphaned.size]).toEqual([0, 0]);
      }),
    );
  });
});
