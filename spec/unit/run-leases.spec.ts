import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { claimKey } from '../../lib/core/bounds';
import { claimedLabels, onClaim } from '../../lib/registry/claims';
import { ownProcess, RunLeases } from '../../lib/run/run-leases';

const project = { labels: ['com.docker.compose.project=app'] };
const bounded = { ...project, bounds: { only: ['container web'] } };
const ownLabels = (worker: string) => ({ labels: ['castoff.session=1f2e', `castoff.worker=${worker}`] });

let leases: RunLeases;
let stopListening: () => void;
/** What the run's reaper was asked for, in order. */
const asked: string[] = [];

beforeEach(() => {
  asked.length = 0;
  stopListening = onClaim({
    claim: async (labels, bounds) => void asked.push(`claim ${claimKey(labels, bounds)}`),
    release: async (labels, bounds) => void asked.push(`release ${claimKey(labels, bounds)}`),
  });
  leases = new RunLeases('1f2e');
  for (const worker of ['one', 'two']) leases.open(worker);
});

afterEach(async () => {
  await leases.releaseAll();
  stopListening();
});

/** Ends the connection of a worker; returns what is to be cleaned up. */
const end = (worker: string) => leases.end(worker);
const claimsIn = (dead: ReturnType<typeof end>) => dead.map(({ claim }) => claim);

describe('the lease of a worker', () => {
  it('covers what carries the label of the worker, of which the reaper hears nothing', () => {
    expect(claimsIn(end('one'))).toMatchObject([ownLabels('one')]);
    expect(asked).toEqual([]);
  });

  it('covers what the worker claims, and its reaper holds each claim', async () => {
    await leases.claim('one', project);
    await leases.claim('one', bounded);
    expect(claimsIn(end('one'))).toMatchObject([ownLabels('one'), project, bounded]);
    expect(asked).toEqual(
      [project, bounded].map(
        ({ labels, ...how }) => `claim ${claimKey(labels, (how as { bounds?: object }).bounds)}`,
      ),
    );
  });

  it('ends once', async () => {
    expect(end('one')).toHaveLength(1);
    expect(end('one')).toEqual([]);
    expect(end('unknown')).toEqual([]);
  });
});

describe('a claim of several processes', () => {
  it.each(['two', ownProcess])('is not cleaned up while one of them holds it: %j', async (other) => {
    await leases.claim('one', project);
    await leases.claim(other, project);
    expect(claimsIn(end('one'))).toMatchObject([ownLabels('one')]);
    await leases.release(other, project);
    expect(claimedLabels()).toEqual([]);
  });

  it('is released at the reaper by the last one', async () => {
    await leases.claim('one', project);
    await leases.claim('two', project);
    await leases.release('one', project);
    expect(claimedLabels()).toMatchObject([project]);
    await leases.release('two', project);
    expect(claimedLabels()).toEqual([]);
  });
});

describe('the claims of a dead worker', () => {
  it('are released at the reaper when they are cleaned up', async () => {
    await leases.claim('one', project);
    await leases.finish(end('one'), { isRemoved: true });
    expect(claimedLabels()).toEqual([]);
  });

  it('stay with the run when their cleanup failed', async () => {
    await leases.claim('one', project);
    await leases.finish(end('one'), { isRemoved: false });
    expect(claimedLabels()).toMatchObject([project]);
    await leases.claim('two', project);
    expect(claimsIn(end('two'))).toMatchObject([ownLabels('two')]);
  });

  it('are not cleaned up, nor released, once another worker claims them', async () => {
    await leases.claim('one', project);
    const dead = end('one');
    await leases.claim('two', project);
    expect(dead.map((one) => leases.isDead(one))).toEqual([true, false]);
    await leases.finish(dead, { isRemoved: true });
    expect(claimedLabels()).toMatchObject([project]);
  });
});

describe('the claims of a worker that leaves', () => {
  it('stay with the run until its end', async () => {
    await leases.claim('one', project);
    leases.leave('one');
    expect(end('one')).toEqual([]);
    await leases.claim('two', project);
    expect(claimsIn(end('two'))).toMatchObject([ownLabels('two')]);
    expect(claimedLabels()).toMatchObject([project]);
    await leases.releaseAll();
    expect(claimedLabels()).toEqual([]);
  });
});
