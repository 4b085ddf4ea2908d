import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connectEngine } from '../../lib/engine/connect';
import type { Engine } from '../../lib/engine/engine';
import type { ImageName } from '../../lib/engine/import-image';
import { readProgress } from '../../lib/engine/read-progress';
import { buildReaperImage } from '../../lib/lease/image';
import { inMemory } from '../../lib/lease/image-files';
import { contentLabel } from '../../lib/lease/image-recipe';
import { tarOf } from '../../lib/lease/tar';
import { openFaultProxy } from '../support/fault-proxy';
import { openPrivateEngine, type PrivateEngine } from '../support/private-engine';
import { specImage } from '../support/spec-image';
import { exists } from '../support/things';

const newName = (): ImageName => ({
  repository: `castoff-spec/at-once-${randomBytes(4).toString('hex')}`,
  tag: '1',
});
const fullName = ({ repository, tag }: ImageName): string => `${repository}:${tag}`;

// Of its own: other specs make images of the same content, and every call looks after all that have lost their names.
let own: PrivateEngine;
let docker: Docker;
let engine: Engine;
let content: string;
beforeAll(async () => {
  own = await openPrivateEngine();
  docker = new Docker({ socketPath: own.socketPath });
  engine = await connectEngine(own.address);
  const { name } = await buildReaperImage(engine, { name: newName() });
  content = (await docker.getImage(name).inspect()).Config.Labels[contentLabel] ?? '';
});
afterAll(() => own.close());

const idOf = async (name: ImageName): Promise<string> => (await docker.getImage(fullName(name)).inspect()).Id;
const nameImage = (id: string, { repository, tag }: ImageName): Promise<unknown> =>
  docker.getImage(id).tag({ repo: repository, tag });
const nameless = async (): Promise<readonly string[]> =>
  (await docker.listImages({ filters: { dangling: ['true'] } })).map(({ Id }) => Id);

/** What the image of another call is until it gets its name: the same content, and none yet. */
const makeNameless = async (): Promise<string> => {
  const archive = Readable.from(tarOf([inMemory('/some', randomBytes(8))]), { objectMode: false });
  const changes = [`LABEL ${contentLabel}=${content}`];
  const { status } = await readProgress(await docker.importImage(archive, { changes }));
  return status ?? '';
};

describe("the reaper's image, made by several at once", () => {
  it('is left once', async () => {
    const name = newName();
    await Promise.all(Array.from({ length: 3 }, () => buildReaperImage(engine, { name })));
    expect(await exists('image', fullName(name), docker)).toBe(true);
    expect(await nameless()).toEqual([]);
  });

  it('is there under each name when it is made under several', async () => {
    const names = [newName(), newName(), newName()];
    await Promise.all(names.map((name) => buildReaperImage(engine, { name })));
    await Promise.all(names.map((name) => expect(idOf(name)).resolves.toMatch(/^sha256:/)));
    expect(await nameless()).toEqual([]);
  });

  it('leaves another one alone that is about to get its name', async () => {
    const coming = await makeNameless();
    await buildReaperImage(engine, { name: newName() });
    expect(await exists('image', coming, docker)).toBe(true);

    const name = newName();
    await nameImage(coming, name);
    await buildReaperImage(engine, { name: newName() });
    expect(await idOf(name)).toBe(coming);
  });

  it('goes when it has lost its name, be it a moment old and of the same content', async () => {
    const lost = await makeNameless();
    const name = newName();
    await nameImage(lost, name);
    await nameImage(specImage, name);
    await buildReaperImage(engine, { name: newName() });
    expect(await exists('image', lost, docker)).toBe(false);
  });

  it('is made also when somebody else is quicker by a moment to remove the one before', async () => {
    await using proxy = await openFaultProxy({ upstream: own.socketPath });
    const name = newName();
    await buildReaperImage(engine, { name, base: specImage });
    const before = await idOf(name);
    const message = `unrecognized image ID ${before}`;
    const removal = proxy.inject({
      on: `DELETE /images/${before}`,
      fault: { type: 'answer', status: 500, message },
    });
    await buildReaperImage(await connectEngine(proxy.address), { name });
    expect(removal.hits()).toBe(1);
    expect(await idOf(name)).not.toBe(before);
  });

  it('is not said to be there when somebody has removed it', async () => {
    await using proxy = await openFaultProxy({ upstream: own.socketPath });
    const name = newName();
    const message = `No such image: ${fullName(name)}`;
    const look = `GET /images/${fullName(name)}/json`;
    proxy.inject({ on: look, fault: { type: 'answer', status: 404, message }, times: 2 });
    const building = buildReaperImage(await connectEngine(proxy.address), { name });
    await expect(building).rejects.toThrow(message);
  });
});
