import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { checkClaim, type Claim } from '../../lib/reaper/leases/claim';
import { Leases, type LeaseAction, type LeaseEnd } from '../../lib/reaper/leases/leases';

function claimOf(key: string): Claim {
  const check = checkClaim([`key=${key}`]);
  if ('refusal' in check) throw new Error(check.refusal);
  return check.claim;
}

/** A change of the leases; returns the actions that follow. */
type Change = (leases: Leases) => readonly LeaseAction[] | void;

/** Applies the changes in order; returns the actions of each. */
function play(changes: readonly Change[]): { leases: Leases; actions: readonly LeaseAction[][] } {
  const state = new Leases();
  return { leases: state, actions: changes.map((change) => [...(change(state) ?? [])]) };
}

const web = claimOf('web');
const opened =
  (lease: string): Change =>
  (state) =>
    state.openLease(lease, `of ${lease}`, 0);
const claimed =
  (lease: string, claim = web): Change =>
  (state) =>
    state.claim(lease, claim);
const ended =
  (lease: string, atMs: number, end: LeaseEnd): Change =>
  (state) =>
    state.close(lease, end, atMs);
const closed = (lease: string, atMs: number, graceMs = 500): Change =>
  ended(lease, atMs, { graceMs, isClean: false });
const passed =
  (atMs: number): Change =>
  (state) =>
    state.passTime(atMs);
const reap = (run: number, lastHolder: string): unknown =>
  expect.objectContaining({ type: 'reap', claim: web, lastHolder, run });

function orphansOf({ orphaned }: Leases): readonly { readonly claim: Claim }[] {
  const { inGracePeriod, reaping, watched } = orphaned;
  return [...inGracePeriod.values(), ...reaping.values(), ...watched.values()];
}

describe('the claims of one client', () => {
  const claims = Array.from({ length: 10_000 }, (_, index) => claimOf(String(index)));
  const fill = (leases: Leases): void => {
    for (const [index, claim] of claims.entries()) leases.claim(index % 2 === 0 ? 'a' : 'b', claim);
  };
  const hasRoom = (leases: Leases, lease: string): boolean => leases.hasRoom(leases.open.get(lease)!);

  it('are limited over all of its leases, and leave room for others', () => {
    const leases = new Leases();
    for (const lease of ['a', 'b']) leases.openLease(lease, lease, 0, 'session');
    leases.openLease('c', 'c', 0, 'another');
    fill(leases);
    expect([hasRoom(leases, 'a'), hasRoom(leases, 'b'), hasRoom(leases, 'c')]).toEqual([false, false, true]);
    leases.release('a', claims[0]!.key);
    expect(hasRoom(leases, 'b')).toBe(true);
  });

  it('count until they are reaped, also for a lease that it opens meanwhile', () => {
    const leases = new Leases();
    for (const lease of ['a', 'b']) leases.openLease(lease, lease, 0, 'session');
    fill(leases);
    for (const lease of ['a', 'b']) leases.close(lease, { graceMs: 0, isClean: true }, 0);
    leases.openLease('c', 'c', 0, 'session');
    expect(hasRoom(leases, 'c')).toBe(false);
    leases.finishReaping(claims[0]!.key, 1, { atMs: 1 });
    expect(hasRoom(leases, 'c')).toBe(true);
  });

  it('of one host leave room for another host, however many clients it has', () => {
    const leases = new Leases();
    for (let index = 0; index < 18_000; index += 1) {
      const lease = `busy-${index % 18}`;
      if (index < 18) leases.openLease(lease, lease, 0, lease, '10.0.0.7');
      leases.claim(lease, claimOf(String(index)));
    }
    leases.openLease('modest', 'modest', 0, 'modest', '10.0.0.8');
    leases.openLease('local', 'local', 0, 'local');
    const room = ['busy-0', 'modest', 'local'].map((lease) => hasRoom(leases, lease));
    expect(room).toEqual([false, true, true]);
  });

  it('move with a lease that names its client later', () => {
    const leases = new Leases();
    for (const lease of ['a', 'b']) leases.openLease(lease, lease, 0);
    fill(leases);
    for (const lease of ['a', 'b']) leases.openLease(lease, lease, 0, 'session');
    expect(hasRoom(leases, 'a')).toBe(false);
    leases.close('b', { graceMs: 0, isClean: true }, 0);
    expect(hasRoom(leases, 'a')).toBe(false);
  });
});

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
    const { leases, actions } = play([
      opened('a'),
      claimed('a'),
      closed('a', 0),
      opened('b'),
      claimed('b'),
      passed(9_000),
    ]);
    expect(actions.flat()).toEqual([]);
    expect(orphansOf(leases)).toEqual([]);
  });

  describe('whose client died', () => {
    const died = ended('a', 0, { graceMs: 0, isClean: false, latePausesMs: [5, 10] });
    const reaped =
      (run: number, atMs: number): Change =>
      (state) =>
        state.finishReaping(web.key, run, { atMs });
    const isLate = expect.objectContaining({ type: 'reap', isLate: true });
    const reapedOnce = [opened('a'), claimed('a'), died, reaped(1, 100)];

    it('is reaped again after each pause, and then no more', () => {
      const { leases, actions } = play([
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
      expect(orphansOf(leases)).toEqual([]);
    });

    it('is not listed again after it is claimed again, or taken over by another reaper', () => {
      const again = play([...reapedOnce, opened('b'), claimed('b'), passed(1_000)]);
      expect(again.actions.flat()).toHaveLength(1);
      const given: Change = (state) => state.finishReaping(web.key, 1, { isSkipped: true, atMs: 100 });
      const elsewhere = play([opened('a'), claimed('a'), died, given, passed(1_000)]);
      expect(elsewhere.actions.flat()).toHaveLength(1);
    });

    it('is watched together with at most a hundred others', () => {
      const claims = Array.from({ length: 150 }, (_unused, index) => claimOf(`late-${index}`));
      const events = [opened('a'), ...claims.map((each) => claimed('a', each)), died];
      const { leases } = play(events);
      for (const [key, { run }] of leases.orphaned.reaping) leases.finishReaping(key, run, { atMs: 100 });
      expect(leases.orphaned.watched.size).toBe(100);
      expect(orphansOf(leases)).toHaveLength(100);
    });

    it('is reaped once, and at once, if the client had sent bye', () => {
      const bye = ended('a', 0, { graceMs: 500, isClean: true, latePausesMs: [5, 10] });
      const { leases, actions } = play([opened('a'), claimed('a'), bye, reaped(1, 100), passed(1_000)]);
      expect(actions).toEqual([[], [], [reap(1, 'of a')], [], []]);
      expect(leases.claimCount).toBe(0);
    });
  });

  describe('whose client asked to keep its resources', () => {
    const kept = [
      opened('a'),
      claimed('a'),
      ended('a', 0, { graceMs: 500, isClean: true, keepMs: 3_600_000, latePausesMs: [5] }),
    ];
    const check = { type: 'check', claim: web, sinceMs: 0 };

    it('is reaped once, when the time has passed, and checked every 30 s until then', () => {
      const { leases, actions } = play([
        ...kept,
        passed(29_999),
        passed(30_000),
        passed(59_000),
        passed(60_001),
        passed(3_600_000),
        (state) => state.finishReaping(web.key, 1, { atMs: 3_600_001 }),
      ]);
      expect(actions.slice(2)).toEqual([[], [], [check], [], [check], [reap(1, 'of a')], []]);
      expect(leases.claimCount).toBe(0);
    });

    it('is checked every second at most', () => {
      const short = ended('a', 0, { graceMs: 0, isClean: true, keepMs: 2_500 });
      const { leases, actions } = play([opened('a'), claimed('a'), short, passed(999), passed(1_000)]);
      expect(actions.slice(3)).toEqual([[], [check]]);
      expect(leases.nextDueMs()).toBe(2_000);
    });

    it('is reaped at once when the reaper shuts down', () => {
      const { actions } = play([...kept, (state) => state.endGrace()]);
      expect(actions.at(-1)).toEqual([reap(1, 'of a')]);
    });

    it('is not reaped after a check has found none of its resources, unless it was held again since', () => {
      const forgotten: Change = (state) => state.forget(web.key, 0);
      const gone = play([...kept, passed(30_000), forgotten, passed(9_000_000)]);
      expect(gone.actions.flat()).toEqual([check]);
      const again = [opened('b'), claimed('b'), closed('b', 31_000)];
      const held = play([...kept, passed(30_000), ...again, forgotten, passed(9_000_000)]);
      expect(held.actions.flat()).toEqual([check, reap(1, 'of b')]);
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
    const first: Change = (state) => state.finishReaping(web.key, 1, { atMs: 2 });
    const { leases, actions } = play([...again, first]);
    expect(actions[4]).toEqual([{ type: 'stop-reaping', key: web.key, run: 1 }]);
    expect(actions[5]).toEqual([reap(2, 'of b')]);
    expect([...leases.orphaned.reaping.values()]).toMatchObject([{ run: 2 }]);
  });

  it('is not reaped after its release', () => {
    const released: Change = (state) => state.release('a', web.key);
    const { leases, actions } = play([opened('a'), claimed('a'), released, closed('a', 0, 0)]);
    expect(actions.flat()).toEqual([]);
    expect(leases.claimCount).toBe(0);
  });

  it('is reaped at once when the grace period is ended', () => {
    const { actions } = play([
      opened('a'),
      claimed('a'),
      closed('a', 0, 600_000),
      (state) => state.endGrace(),
    ]);
    expect(actions.at(-1)).toEqual([reap(1, 'of a')]);
  });

  it('has no effect if its lease is unknown', () => {
    const { leases, actions } = play([claimed('unknown'), closed('unknown', 0, 0)]);
    expect(actions.flat()).toEqual([]);
    expect([leases.open.size, leases.claimCount]).toEqual([0, 0]);
  });
});

const clients = ['a', 'b', 'c', 'd'];
const keys = ['w', 'x', 'y'].map((key) => claimOf(key));
type Deed =
  | { readonly do: 'open' | 'bye'; readonly lease: string }
  | { readonly do: 'claim' | 'release'; readonly lease: string; readonly claim: Claim }
  | { readonly do: 'vanish'; readonly lease: string; readonly graceMs: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'finish' };

const deeds = fc.array(
  fc.oneof(
    fc.record({ do: fc.constantFrom('open' as const, 'bye' as const), lease: fc.constantFrom(...clients) }),
    fc.record({
      do: fc.constantFrom('claim' as const, 'claim' as const, 'release' as const),
      lease: fc.constantFrom(...clients),
      claim: fc.constantFrom(...keys),
    }),
    fc.record({
      do: fc.constant('vanish' as const),
      lease: fc.constantFrom(...clients),
      graceMs: fc.nat(50),
    }),
    fc.record({ do: fc.constant('wait' as const), ms: fc.nat(40) }),
    fc.record({ do: fc.constant('finish' as const) }),
  ),
  { maxLength: 60 },
);

/** The expected behaviour as a simpler model: the leases of each key, and the end of its grace period. */
class Model {
  nowMs = 0;
  readonly leases = new Leases();
  readonly #held = new Map<string, Set<string>>();
  readonly #expiresAtMs = new Map<string, number>();
  readonly #reaping = new Map<string, { run: number; isOn: boolean }>();

  do(deed: Deed): void {
    switch (deed.do) {
      case 'open':
        if (!this.#held.has(deed.lease)) this.#held.set(deed.lease, new Set());
        return this.#expect((state) => state.openLease(deed.lease, deed.lease, this.nowMs), []);
      case 'claim':
        return this.#claim(deed.lease, deed.claim);
      case 'release':
        this.#held.get(deed.lease)?.delete(deed.claim.key);
        return this.#expect((state) => state.release(deed.lease, deed.claim.key), []);
      case 'bye':
        return this.#close(deed.lease, 0);
      case 'vanish':
        return this.#close(deed.lease, deed.graceMs);
      case 'wait':
        this.nowMs += deed.ms;
        return this.#expect(passed(this.nowMs), this.#takeDue());
      case 'finish':
        for (const [key, { run }] of this.#reaping) {
          this.#reaping.delete(key);
          this.#expect((state) => state.finishReaping(key, run, { atMs: this.nowMs }), []);
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
    this.#expect(claimed(lease, claim), [], stops);
  }

  #close(lease: string, graceMs: number): void {
    const claims = this.#held.get(lease) ?? [];
    this.#held.delete(lease);
    for (const key of claims) if (!this.#isHeld(key)) this.#expiresAtMs.set(key, this.nowMs + graceMs);
    this.#expect(closed(lease, this.nowMs, graceMs), this.#takeDue());
  }

  #takeDue(): string[] {
    const due = [...this.#expiresAtMs]
      .filter(([, expiresAtMs]) => expiresAtMs <= this.nowMs)
      .map(([key]) => key);
    for (const key of due) this.#expiresAtMs.delete(key);
    return due;
  }

  #expect(change: Change, reaped: readonly string[], stopped: readonly string[] = []): void {
    const { leases } = this;
    const actions = change(leases) ?? [];
    for (const action of actions)
      if (action.type === 'reap') this.#reaping.set(action.claim.key, { run: action.run, isOn: true });
    const keysOf = (type: LeaseAction['type']) =>
      actions.filter((action) => action.type === type).map((a) => ('claim' in a ? a.claim.key : a.key));
    expect(keysOf('reap').toSorted()).toEqual(reaped.toSorted());
    expect(keysOf('stop-reaping')).toEqual(stopped);
    expect(reaped.filter((key) => this.#isHeld(key))).toEqual([]);
    expect(leases.orphaned.inGracePeriod.size).toBe(this.#expiresAtMs.size);
    expect(leases.nextDueMs()).toBe(Math.min(...this.#expiresAtMs.values()));
    expect(orphansOf(leases)).toHaveLength(this.#expiresAtMs.size + this.#reaping.size);
    const held = [...this.#held.values()].reduce((sum, claims) => sum + claims.size, 0);
    expect(leases.claimCount).toBe(held + orphansOf(leases).length);
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
        for (const lease of clients) model.do({ do: 'bye', lease });
        model.do({ do: 'wait', ms: 1_000 });
        model.do({ do: 'finish' });
        expect([model.leases.open.size, orphansOf(model.leases).length]).toEqual([0, 0]);
      }),
    );
  });
});
