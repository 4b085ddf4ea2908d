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

/** Creates a resource with that name and the label `whose`; resolves to its unique identity. */
async function createNamed(kind: Kind, name: string, whose: string): Promise<string> {
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

describe.each(kinds)('a %s of another owner', (kind) => {
  it('survives the cleanup of a resource whose name is a prefix of its own', async () => {
    const name = uniqueName();
    const longer = `${name}-longer`;
    await createNamed(kind, name, 'ours');
    const theirs = await createNamed(kind, longer, 'theirs');
    expect(await cleanupByKind[kind](name)).toMatchObject({ outcome: 'removed' });
    for (const unknown of [name, `${name}-`, longer.slice(0, -1), longer.slice(1), longer.toUpperCase()]) {
      // A refusal rejects: both ends are fine, as long as the other resource stays.
      expect((await cleanupByKind[kind](unknown).catch(() => undefined))?.outcome ?? 'refused').toMatch(
        /^(already-gone|refused)$/,
      );
    }
    expect(await identityOf(kind, longer)).toBe(theirs);
    await removeByHand(kind, longer);
  });
});

describe.each(['container', 'network', 'image'] as const)('a %s of another owner', (kind) => {
  // Not fewer: other spec files create resources, and four digits may begin the id of one of them, too.
  it.each([8, 11])(
    'survives the cleanup of a name equal to the first %s digits of its id',
    async (digits) => {
      const theirs = await createNamed(kind, uniqueName(), 'theirs');
      const name = theirs.replace('sha256:', '').slice(0, digits);
      const ours = await createNamed(kind, name, 'ours');
      expect(await cleanupByKind[kind](name)).toMatchObject({ outcome: 'removed' });
      expect(await exists(kind, ours)).toBe(false);
      expect(await cleanupByKind[kind](name)).toMatchObject({ outcome: 'already-gone', attempts: 0 });
      expect(await exists(kind, theirs)).toBe(true);
      await removeByHand(kind, theirs);
    },
  );
});

const inspectionsAndRemovals = [
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
 * Cleans up a resource of ours by name. Its removals get `faults`; the next call is held until our resource
 * is gone and theirs has its name. Without faults, the first removal is held.
 */
async function cleanUpWhileNameIsReused(kind: Kind, faults: readonly Fault[], firstInspection?: Fault) {
  await using proxy = await openFaultProxy();
  const name = uniqueName();
  await createNamed(kind, name, 'ours');
  if (firstInspection) proxy.inject({ on: inspectionsAndRemovals, fault: firstInspection });
  const { promise: changed, resolve: continueCall } = Promise.withResolvers<void>();
  const held: Fault = { type: 'hold', until: changed };
  let removals = 0;
  let isHeld = false;
  proxy.inject({
    on: inspectionsAndRemovals,
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
  await proxy.until(({ fault }) => fault === held);
  await removeByHand(kind, name);
  const theirs = await createNamed(kind, name, 'theirs');
  continueCall();
  const { outcome } = await cleanup;
  const survives = (await exists(kind, name)) && (await identityOf(kind, name)) === theirs;
  if (survives) await removeByHand(kind, name);
  return { outcome, survives };
}

describe.each(kinds)('a %s created under the name of one that is being removed', (kind) => {
  it('survives a removal that fails at first', async () => {
    const end = await cleanUpWhileNameIsReused(kind, [failing]);
    expect(end).toEqual({ outcome: 'removed', survives: true });
  });

  it('survives a removal that is answered with a conflict at first', async () => {
    const end = await cleanUpWhileNameIsReused(kind, [busy[kind]]);
    expect(end).toEqual({ outcome: 'removed-elsewhere', survives: true });
  });

  it('survives a removal that is answered with a conflict twice', async () => {
    const end = await cleanUpWhileNameIsReused(kind, [busy[kind], busy[kind]]);
    expect(end).toEqual({ outcome: 'removed-elsewhere', survives: true });
  });

  it('survives a removal whose response is lost', async () => {
    const end = await cleanUpWhileNameIsReused(kind, [{ type: 'reset' }]);
    expect(end).toEqual({ outcome: 'removed', survives: true });
  });
});

// Volumes and images are removed by name: a replacement between an inspection and the removal cannot be
// detected.
describe.each(['container', 'network'] as const)(
  'a %s created between the inspection and the removal of another',
  (kind) => {
    it('survives the removal', async () => {
      const end = await cleanUpWhileNameIsReused(kind, []);
      expect(end).toEqual({ outcome: 'removed-elsewhere', survives: true });
    });

    it('survives the removal even when the first inspection was lost', async () => {
      const end = await cleanUpWhileNameIsReused(kind, [], { type: 'reset' });
      expect(end).toEqual({ outcome: 'removed-elsewhere', survives: true });
    });
  },
);
