import { afterAll, describe, expect, it } from '@jest/globals';
import { cleanupContainer, cleanupImage, isCastoffError } from '../../lib/index';
import { openFaultProxy } from '../support/fault-proxy';
import { removeLeftovers } from '../support/leftovers';
import {
  createIdleContainer,
  createRunningContainer,
  createThing,
  docker,
  exists,
  removeByHand,
  uniqueName,
} from '../support/things';

afterAll(() => removeLeftovers());

async function createWithSecondName(): Promise<{ name: string; other: string; id: string }> {
  const name = await createThing('image');
  const other = uniqueName();
  await docker.getImage(name).tag({ repo: other, tag: '2' });
  return { name, other: `${other}:2`, id: await idOf(name) };
}

async function idOf(name: string): Promise<string> {
  return (await docker.getImage(name).inspect()).Id;
}

describe('cleanupImage', () => {
  it.each<[string, (name: string, id: string) => string]>([
    ['its name', (name) => name],
    ['its full name', (name) => `docker.io/library/${name}`],
    ['its oldest full name', (name) => `index.docker.io/library/${name}`],
    ['its id', (_, id) => id],
    ['its id without the algorithm', (_, id) => id.replace('sha256:', '')],
    ['its short id', (_, id) => id.replace('sha256:', '').slice(0, 12)],
  ])('finds an image by %s', async (_what, refOf) => {
    const name = await createThing('image');
    const id = await idOf(name);
    const ref = refOf(name, id);
    // Podman reports full names.
    const reported = expect.stringMatching(new RegExp(`^(docker\\.io/library/)?${name}$`));
    const result = { kind: 'image', id: ref, name: reported, outcome: 'removed' };
    expect(await cleanupImage(ref)).toMatchObject(result);
    expect(await exists('image', id)).toBe(false);
  });

  it('finds an image without its tag when that is `latest`', async () => {
    const name = await createThing('image');
    const latest = uniqueName();
    await docker.getImage(name).tag({ repo: latest, tag: 'latest' });
    expect(await cleanupImage(latest)).toMatchObject({ id: latest, outcome: 'removed' });
    expect(await exists('image', `${latest}:latest`)).toBe(false);
    await removeByHand('image', name);
  });

  // Not fewer: other spec files create images, and four digits may begin the id of one of them, too.
  it.each([8, 12])(
    'uses the full name for an image whose name is a prefix of another image’s id (%i digits)',
    async (digits) => {
      await using proxy = await openFaultProxy();
      const other = await createThing('image');
      const name = (await idOf(other)).replace('sha256:', '').slice(0, digits);
      const own = await createThing('image');
      await docker.getImage(own).tag({ repo: name, tag: 'latest' });
      await removeByHand('image', own);
      expect(await cleanupImage(name, { engine: proxy.address })).toMatchObject({ outcome: 'removed' });
      const removals = proxy.calls.filter(({ method }) => method === 'DELETE');
      expect(removals.map(({ path }) => path)).toEqual([`/images/${name}:latest`]);
      expect(await exists('image', other)).toBe(true);
      await removeByHand('image', other);
    },
  );

  it('reports a missing image as already gone', async () => {
    expect(await cleanupImage(uniqueName())).toMatchObject({ outcome: 'already-gone', attempts: 0 });
  });

  it('untags an image, and keeps it under its other tag', async () => {
    const { name, other, id } = await createWithSecondName();
    expect(await cleanupImage(name)).toMatchObject({ outcome: 'removed' });
    expect(await exists('image', name)).toBe(false);
    expect(await idOf(other)).toBe(id);
  });

  it('refuses at once to remove an image by id while it has two tags', async () => {
    const { name, other, id } = await createWithSecondName();
    const error: unknown = await cleanupImage(id).catch((reason: unknown) => reason);
    expect(isCastoffError(error, 'CLEANUP_FAILED')).toBe(true);
    expect(error).toMatchObject({
      message: expect.stringMatching(/multiple repositories|more than one tag/),
      evidence: { attempts: 1 },
    });
    expect(await idOf(name)).toBe(id);
    expect(await idOf(other)).toBe(id);
  });

  it('waits while a container uses an image', async () => {
    await using proxy = await openFaultProxy();
    const name = await createThing('image');
    const user = await createIdleContainer({ Image: name });
    const cleanup = cleanupImage(name, { engine: proxy.address });
    await proxy.until(({ method, status }) => method === 'DELETE' && status === 409);
    expect(await exists('image', name)).toBe(true);
    await cleanupContainer(user);
    expect(await cleanup).toMatchObject({ outcome: 'removed' });
    expect(await exists('image', name)).toBe(false);
  });

  it('fails with the engine’s message when a container uses an image until the deadline', async () => {
    const name = await createThing('image');
    const user = await createRunningContainer({ Image: name });
    await expect(cleanupImage(name, { timeoutMs: 4_000 })).rejects.toMatchObject({
      code: 'CLEANUP_FAILED',
      message: expect.stringMatching(/409 .*(is using its referenced image|image is in use).* attempts in/),
    });
    expect(await exists('image', name)).toBe(true);
    expect((await docker.getContainer(user).inspect()).State.Running).toBe(true);
  });
});
