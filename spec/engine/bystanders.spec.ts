import { afterAll, describe, expect, it } from '@jest/globals';
import { cleanupByKind } from '../support/cleanup-by-kind';
import { openFaultProxy } from '../support/fault-proxy';
import type { Fault } from '../support/fault-rules';
import { removeLeftovers } from '../support/leftovers';
import { specImage } from '../support/spec-image';
import { docker, exists, removeByHand, specLabel, uniqueName } from '../support/things';

afterAll(() => removeLeftovers());

const kinds = ['container', 'network', 'volume', 'image'] as const;
type Kind = (typeof kinds)[number];

/** Makes a thing of that name with `whose` in its labels; resolves to what tells it from any other for good. */
async function make(kind: Kind, name: string, whose: string): Promise<string> {
  const Labels = { ...specLabel, whose };
  switch (kind) {
    case 'container':
      await docker.createContainer({ name, Image: specImage, Labels });
      break;
    case 'network':
      await docker.createNetwork({ Name: name, Labels });
      break;
    case 'volume':
      await docker.createVolume({ Name: name, Labels });
      break;
    case 'image': {
      const container = await docker.createContainer({ Image: specImage, Labels });
      await container.commit({ repo: name, tag: 'latest' });
      await container.remove();
    }
  }
  return identityOf(kind, name);
}

async function identityOf(kind: Kind, name: string): Promise<string> {
  switch (kind) {
    case 'container':
      return (await docker.getContainer(name).inspect()).Id;
    case 'network':
      return ((await docker.getNetwork(name).inspect()) as { Id: string }).Id;
    case 'volume':
      return JSON.stringify((await docker.getVolume(name).inspect()).Labels);
    case 'image':
      return (await docker.getImage(name).inspect()).Id;
  }
}

describe.each(kinds)('a %s of somebody else', (kind) => {
  it('survives the cleanup of one whose name begins like its own', async () => {
    const name = uniqueName();
    const longer = `${name}-longer`;
    await make(kind, name, 'ours');
    const theirs = await make(kind, longer, 'theirs');
    expect(await cleanupByKind[kind](name)).toMatchObject({ outcome: 'removed' });
    for (const unknown of [name, `${name}-`, longer.slice(0, -1), longer.slice(1), longer.toUpperCase()]) {
      expect((await cleanupByKind[kind](unknown).catch(() => undefined))?.outcome ?? 'refused').toMatch(
        /^(already-gone|refused)$/,
      );
    }
    expect(await identityOf(kind, longer)).toBe(theirs);
    await removeByHand(kind, longer);
  });
});

describe.each(['container', 'network', 'image'] as const)('a %s of somebody else', (kind) => {
  it.each([4, 8, 11])(
    'survives the cleanup of a name that is the first %s digits of its id',
    async (digits) => {
      const theirs = await make(kind, uniqueName(), 'theirs');
      const name = theirs.replace('sha256:', '').slice(0, digits);
      const ours = await make(kind, name, 'ours');
      expect(await cleanupByKind[kind](name)).toMatchObject({ outcome: 'removed' });
      expect(await exists(kind, ours)).toBe(false);
      expect(await cleanupByKind[kind](name)).toMatchObject({ outcome: 'already-gone', attempts: 0 });
      expect(await exists(kind, theirs)).toBe(true);
      await removeByHand(kind, theirs);
    },
  );
});

const looksAndRemovals = [
  'DELETE **',
  'GET /containers/*/json',
  'GET /networks/*',
  'GET /volumes/*',
  'GET /images/**/json',
];
const failing: Fault = { type: 'answer', status: 500, message: 'not this time' };
const busy: Readonly<Record<Kind, Fault>> = {
  container: { type: 'answer', status: 409, message: 'something else' },
  network: { type: 'answer', status: 403, message: 'it has active endpoints' },
  volume: { type: 'answer', status: 409, message: 'volume is in use' },
  image: { type: 'answer', status: 409, message: 'image is being used' },
};

/**
 * Cleans up a thing of ours by its name. Its removals meet `faults`; the call after the last of them is held until ours
 * has gone and theirs has come under its name. Without faults the first removal is held.
 */
async function cleanUpWhileNameChangesHands(kind: Kind, faults: readonly Fault[], firstLook?: Fault) {
  await using proxy = await openFaultProxy();
  const name = uniqueName();
  await make(kind, name, 'ours');
  if (firstLook) proxy.inject({ on: looksAndRemovals, fault: firstLook });
  const { promise: changed, resolve: goOn } = Promise.withResolvers<void>();
  const held: Fault = { type: 'hold', until: changed };
  let removals = 0;
  let isHeld = false;
  proxy.inject({
    on: looksAndRemovals,
    fault: ({ method }) => {
      if (!isHeld && removals === faults.length && (method === 'DELETE' || removals > 0)) {
        isHeld = true;
        return held;
      }
      if (method !== 'DELETE') return undefined;
      removals += 1;
      return faults[removals - 1];
    },
    times: Infinity,
  });
  const cleanup = cleanupByKind[kind](name, { engine: proxy.address });
  await proxy.until(({ fault }) => fault === held, 5_000);
  await removeByHand(kind, name);
  const theirs = await make(kind, name, 'theirs');
  goOn();
  const { outcome } = await cleanup;
  const survives = (await exists(kind, name)) && (await identityOf(kind, name)) === theirs;
  if (survives) await removeByHand(kind, name);
  return { outcome, survives };
}

describe.each(kinds)('a %s that comes under the name of one that is being removed', (kind) => {
  it('survives when the removal fails at first', async () => {
    const end = await cleanUpWhileNameChangesHands(kind, [failing]);
    expect(end).toEqual({ outcome: 'removed', survives: true });
  });

  it('survives when the removal is told to wait at first', async () => {
    const end = await cleanUpWhileNameChangesHands(kind, [busy[kind]]);
    expect(end).toEqual({ outcome: 'removed-elsewhere', survives: true });
  });

  it('survives when the removal is told to wait twice', async () => {
    const end = await cleanUpWhileNameChangesHands(kind, [busy[kind], busy[kind]]);
    expect(end).toEqual({ outcome: 'removed-elsewhere', survives: true });
  });

  it('survives when the answer to the removal is lost', async () => {
    const end = await cleanUpWhileNameChangesHands(kind, [{ type: 'reset' }]);
    expect(end).toEqual({ outcome: 'removed', survives: true });
  });
});

// A volume and an image can only be removed by a name: who takes it between a look and the removal is not seen.
describe.each(['container', 'network'] as const)(
  'a %s that comes between the look and the removal',
  (kind) => {
    it('survives', async () => {
      const end = await cleanUpWhileNameChangesHands(kind, []);
      expect(end).toEqual({ outcome: 'removed-elsewhere', survives: true });
    });

    it('survives also when the first look was lost', async () => {
      const end = await cleanUpWhileNameChangesHands(kind, [], { type: 'reset' });
      expect(end).toEqual({ outcome: 'removed-elsewhere', survives: true });
    });
  },
);
