import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Owner } from '../../lib/core/labels';
import {
  proveOwner,
  type LocalHost,
  type OwnerProof,
  type ProcessProbe,
} from '../../lib/processes/owner-proof';

const bootedAtMs = Date.parse('2026-11-21T08:00:00Z');
const here: LocalHost = {
  host: 'build-7',
  machine: 'm-7',
  boot: 'b0000002-now',
  bootedAtMs,
  pidNamespace: '4026531836',
};
const owner: Owner = {
  host: 'build-7',
  machine: 'm-7',
  boot: 'b0000002-now',
  pid: 4711,
  pidStart: '1000',
  pidNamespace: '4026531836',
};
const itself: ProcessProbe = {
  seen: 'process',
  start: '1000',
  startedAt: '2026-11-21T08:00:10Z',
  isZombie: false,
};
const none: ProcessProbe = { seen: 'none' };

/** Applies one change to the fixture. */
interface Case {
  readonly owner?: Partial<Owner>;
  readonly here?: Partial<LocalHost>;
  readonly process?: ProcessProbe;
  readonly lastActiveMs?: number;
}

function prove({ process = itself, ...changed }: Case): OwnerProof {
  return proveOwner(
    { ...owner, ...changed.owner },
    { ...here, ...changed.here },
    () => process,
    changed.lastActiveMs,
  );
}

const earlier = { boot: 'b0000001-before' };

describe('an owner is proven', () => {
  it.each<[what: string, changed: Case, proof: string]>([
    ['alive by the process with its pid and start', {}, 'process 4711 is alive'],
    [
      'alive when neither names its machine, since a boot id belongs to one machine',
      { owner: { machine: undefined }, here: { machine: undefined } },
      'process 4711 is alive',
    ],
    [
      'alive when `ps` rounds its start differently by a second',
      {
        owner: { pidStart: '2026-11-21T08:00:10Z' },
        process: { ...itself, start: '2026-11-21T08:00:11Z' },
      },
      'process 4711 is alive',
    ],
    ['dead when no process has its pid', { process: none }, 'no process 4711 on this boot'],
    [
      'dead when its pid is reused',
      { process: { ...itself, start: '2000', startedAt: '2026-11-21T08:00:20Z' } },
      'pid 4711 now belongs to a process that started at 2026-11-21T08:00:20Z',
    ],
    [
      'dead when its pid is reused by a process that `ps` reports as started later',
      {
        owner: { pidStart: '2026-11-21T08:00:10Z' },
        process: { ...itself, start: '2026-11-21T08:00:13Z', startedAt: '2026-11-21T08:00:13Z' },
      },
      'pid 4711 now belongs to a process that started at 2026-11-21T08:00:13Z',
    ],
    [
      'dead as a zombie, which holds no resources and runs no code',
      { process: { ...itself, isZombie: true } },
      'process 4711 has ended and is a zombie',
    ],
    [
      'dead when its machine was rebooted',
      { owner: earlier, lastActiveMs: bootedAtMs - 1 },
      'host build-7 was rebooted: boot b0000001 has ended, the current boot is b0000002',
    ],
  ])('%s', (_what, changed, proof) => {
    const state = proof.endsWith('is alive') ? 'alive' : 'dead';
    expect(prove(changed)).toEqual({ state, proof });
  });
});

describe('nothing is proven about an owner', () => {
  it.each<[what: string, changed: Case, proof: RegExp]>([
    ['on another host', { owner: { host: 'ci-3' }, process: none }, /^another host: ci-3$/],
    [
      'on another machine with the same name, on any boot',
      { owner: { machine: 'm-8', ...earlier }, process: none },
      /another machine named build-7/,
    ],
    [
      'on a clone that still has the boot id of its original',
      { owner: { machine: 'm-8' }, process: none },
      /another machine/,
    ],
    [
      'on another boot, when the owner names no machine',
      { owner: { machine: undefined, ...earlier } },
      /another boot, of this machine or of another/,
    ],
    [
      'on another boot, when this machine cannot be identified',
      { owner: earlier, here: { machine: undefined } },
      /another boot, of this machine or of another/,
    ],
    [
      'on another boot, when it created something during this boot',
      { owner: earlier, lastActiveMs: bootedAtMs },
      /another boot during this one/,
    ],
    [
      'on another boot, when the start of this boot is unknown',
      { owner: earlier, here: { bootedAtMs: undefined } },
      /another boot/,
    ],
    ['when the owner names no boot', { owner: { boot: undefined }, process: none }, /names no boot id/],
    [
      'when this boot’s id is unknown',
      { here: { boot: undefined }, process: none },
      /boot id of this machine cannot be read/,
    ],
    [
      'in a container, which has its own pids',
      { owner: { pidNamespace: '4026532201' }, process: none },
      /pid namespace 4026532201, which cannot be seen from 4026531836/,
    ],
    [
      'on the host of the container that this process runs in',
      { here: { pidNamespace: '4026532201' }, process: none },
      /pid namespace 4026531836, which cannot be seen from 4026532201/,
    ],
    [
      'when the owner names no pid namespace',
      { owner: { pidNamespace: undefined }, process: none },
      /names no pid namespace/,
    ],
    [
      'when /proc shows other pids than ours',
      { here: { pidNamespace: undefined }, process: none },
      /pid namespace of this process cannot be read/,
    ],
  ])('%s', (_what, changed, proof) => {
    expect(prove(changed)).toMatchObject({ state: 'unknown', isElsewhere: true });
    expect(prove(changed).proof).toMatch(proof);
  });

  it.each<[what: string, changed: Case, proof: RegExp]>([
    [
      'when its process is hidden',
      { process: { seen: 'unclear', reason: 'process 4711 exists, but is hidden from this process' } },
      /is hidden from/,
    ],
    ['when its process start is unknown', { owner: { pidStart: undefined } }, /may not be the owner/],
    [
      'when the starts have different formats',
      { process: { ...itself, start: '2026-11-21T08:00:10Z' } },
      /may not be the owner/,
    ],
  ])('%s, although it is on this machine', (_what, changed, proof) => {
    expect(prove(changed)).toMatchObject({ state: 'unknown' });
    expect(prove(changed).isElsewhere).toBeUndefined();
    expect(prove(changed).proof).toMatch(proof);
  });
});

describe('proof of death', () => {
  const someText = fc.constantFrom(undefined, 'a', 'b');
  const some = fc.record({
    host: fc.constantFrom('a', 'b'),
    machine: someText,
    boot: someText,
    pidNamespace: someText,
    pidStart: fc.constantFrom(undefined, '1', '2', '2026-11-21T08:00:10Z'),
  });

  it('requires the same host, and the same pid namespace on this boot, or the same machine on another one', () => {
    fc.assert(
      fc.property(some, some, fc.boolean(), (theirs, ours, isThere) => {
        const process: ProcessProbe = isThere ? { ...itself, start: ours.pidStart ?? '3' } : none;
        const { state } = proveOwner(
          { ...theirs, pid: 1 },
          { ...ours, bootedAtMs },
          () => process,
          bootedAtMs - 1,
        );
        if (state === 'unknown') return;
        expect(theirs.host).toBe(ours.host);
        expect(theirs.boot).toBeDefined();
        expect(ours.boot).toBeDefined();
        if (theirs.boot !== ours.boot) {
          expect(state).toBe('dead');
          expect(theirs.machine).toBeDefined();
          expect(theirs.machine).toBe(ours.machine);
        } else {
          expect(theirs.pidNamespace).toBeDefined();
          expect(theirs.pidNamespace).toBe(ours.pidNamespace);
        }
      }),
    );
  });

  it('does not depend on the wall clock while the boot is the same', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), (booted, lastActiveMs) => {
        const clock = { here: { bootedAtMs: booted }, lastActiveMs };
        expect(prove(clock).state).toBe('alive');
        expect(prove({ ...clock, process: none }).state).toBe('dead');
      }),
    );
  });
});
