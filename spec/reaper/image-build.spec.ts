import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connectEngine } from '../../lib/engine/connect';
import type { Engine } from '../../lib/engine/engine';
import { readProgress } from '../../lib/engine/read-progress';
import { buildReaperImage } from '../../lib/lease/image';
import { archiveOf, inMemory } from '../../lib/lease/archive';
import { labelNames } from '../../lib/core/labels';
import { openFaultProxy } from '../support/fault-proxy';
import { runToEnd } from '../support/run-to-end';
import { specImage } from '../support/spec-image';
import { isLong } from '../support/spec-size';
import { docker, exists } from '../support/things';

// All specs that build the image on the shared engine are in this file, because each build removes every untagged
// image of castoff. The global setup has built the one that other spec files run.
const named: string[] = [];
const newName = (): string => {
  const name = `castoff-spec/reaper-${randomBytes(4).toString('hex')}:1`;
  named.push(name);
  return name;
};
const idOf = async (name: string): Promise<string> => (await docker.getImage(name).inspect()).Id;
const nameImage = (id: string, name: string): Promise<unknown> => {
  const [repo = '', tag = ''] = name.split(':');
  return docker.getImage(id).tag({ repo, tag });
};

let engine: Engine;
beforeAll(async () => void (engine = await connectEngine()));
afterAll(async () => {
  // In reverse order, because some are built on others.
  for (const name of named.toReversed())
    await docker
      .getImage(name)
      .remove()
      // 404: not all of them were built.
      .catch((error: unknown) => expect(error).toHaveProperty('statusCode', 404));
});

describe("the reaper's image", () => {
  let name: string;
  let image: string;
  let onBase: string;
  beforeAll(async () => {
    name = newName();
    const startedAt = performance.now();
    ({ name: image } = await buildReaperImage(engine, { name }));
    const { Size } = await docker.getImage(image).inspect();
    const ms = Math.round(performance.now() - startedAt);
    process.stdout.write(`the reaper's image: built in ${ms} ms, ${Math.round(Size / 1e6)} MB\n`);
    ({ name: onBase } = await buildReaperImage(engine, { name: newName(), base: image }));
  });

  it('built from the running Node.js, is what clients of Ryuk expect', async () => {
    const { Config } = await docker.getImage(image).inspect();
    expect(Config.Labels).toMatchObject({ 'org.testcontainers.ryuk': 'true', 'castoff.reaper': 'true' });
    expect(Config.ExposedPorts).toEqual({ '8080/tcp': {} });
    expect(Config).not.toHaveProperty('Healthcheck');
    expect(Config.Entrypoint).toEqual(['/castoff/bind-then-run', 'node', '/castoff/reaper-server.js']);
    expect(Config.Cmd ?? []).toEqual([]);
    expect(Config.Env).toContainEqual(expect.stringMatching(/^PATH=.*\/usr\/local\/bin/));
  });

  it('is not rebuilt from the same files', async () => {
    const before = await idOf(name);
    expect(await buildReaperImage(engine, { name })).toMatchObject({ name: image, isBuilt: false });
    expect(await idOf(name)).toBe(before);
  });

  it('built on a base image, has the same configuration, whichever command the base has', async () => {
    const [{ Config: own }, { Config: other }] = (await Promise.all(
      [onBase, image].map((each) => docker.getImage(each).inspect()),
    )) as [Docker.ImageInspectInfo, Docker.ImageInspectInfo];
    expect({ ...own.Labels, [labelNames.reaperContent]: '' }).toEqual({
      ...other.Labels,
      [labelNames.reaperContent]: '',
    });
    expect(own.Entrypoint).toEqual(other.Entrypoint);
    expect(own.Cmd ?? []).toEqual([]);
    expect(own.ExposedPorts).toEqual(other.ExposedPorts);
  });

  it("built on a base image, runs the reaper with the base's Node.js", async () => {
    const { log } = await runToEnd({ Image: onBase, Cmd: ['none-of-its-modes'] });
    expect(log).toMatch(/^castoff reaper: .*none-of-its-modes/);
  });

  it('is not built on an unavailable base image, and the error has the engine’s reason', async () => {
    const building = buildReaperImage(engine, { name: newName(), base: 'castoff-spec/nowhere:0' });
    await expect(building).rejects.toMatchObject({ code: 'ENGINE_REFUSED' });
    await expect(building).rejects.toThrow(/castoff-spec\/nowhere/);
  });
});

describe("the reaper's image and its name", () => {
  const { execPath, version } = process;
  let folder: string;
  let content: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'castoff-spec-'));
    // These specs do not run the image: a few bytes replace Node.js and its 120 MB.
    const small = join(folder, 'node');
    await writeFile(small, "#!/bin/sh\necho '[]'\n", { mode: 0o755 });
    if (!isLong) process.execPath = small;
    // Part of the content: no other image on the engine has the same.
    setVersion(`${version}-spec-${randomBytes(4).toString('hex')}`);
    const { name } = await buildReaperImage(engine, { name: newName() });
    content = (await docker.getImage(name).inspect()).Config.Labels[labelNames.reaperContent] ?? '';
  });
  afterAll(async () => {
    process.execPath = execPath;
    setVersion(version);
    await rm(folder, { recursive: true });
  });

  const listNameless = async (): Promise<readonly string[]> => {
    const filters = { dangling: ['true'], label: [`${labelNames.reaperContent}=${content}`] };
    return (await docker.listImages({ filters })).map(({ Id }) => Id);
  };
  const setVersion = (value: string): void =>
    void Object.defineProperty(process, 'version', { value, configurable: true, enumerable: true });

  /** The image of a concurrent call before it is tagged: same content, no name. */
  const makeNameless = async (): Promise<string> => {
    const archive = archiveOf([inMemory('/some', randomBytes(8))]);
    const changes = [`LABEL ${labelNames.reaperContent}=${content}`];
    const { status } = await readProgress(await docker.importImage(archive, { changes }));
    return status ?? '';
  };

  it('exists once when several calls build it at the same time', async () => {
    const name = newName();
    await Promise.all(Array.from({ length: 3 }, () => buildReaperImage(engine, { name })));
    expect(await exists('image', name)).toBe(true);
    expect(await listNameless()).toEqual([]);
  });

  it('has every name when several calls build it under different names at the same time', async () => {
    const names = [newName(), newName(), newName()];
    await Promise.all(names.map((name) => buildReaperImage(engine, { name })));
    await Promise.all(names.map((name) => expect(idOf(name)).resolves.toMatch(/^sha256:/)));
    expect(await listNameless()).toEqual([]);
  });

  it('keeps another image that is about to be tagged', async () => {
    const coming = await makeNameless();
    await buildReaperImage(engine, { name: newName() });
    expect(await exists('image', coming)).toBe(true);

    const name = newName();
    await nameImage(coming, name);
    await buildReaperImage(engine, { name: newName() });
    expect(await idOf(name)).toBe(coming);
  });

  it('is removed when it has lost its name, even if it is new and has the same content', async () => {
    const lost = await makeNameless();
    const name = newName();
    await nameImage(lost, name);
    await nameImage(specImage, name);
    await buildReaperImage(engine, { name: newName() });
    expect(await exists('image', lost)).toBe(false);
  });

  it('is removed when an image with other content takes its name, and images of others are kept', async () => {
    const replaced = newName();
    await nameImage(specImage, replaced);
    await buildReaperImage(engine, { name: replaced });
    const ours = await idOf(replaced);
    await buildReaperImage(engine, { name: replaced, base: specImage });
    expect(await exists('image', ours)).toBe(false);
    expect(await exists('image', specImage)).toBe(true);
  });

  it('is built although another client removes the previous image first', async () => {
    await using proxy = await openFaultProxy();
    const [name, base] = [newName(), newName()];
    // Its own name makes its content, and so its id, unique here.
    await nameImage(specImage, base);
    await buildReaperImage(engine, { name, base: base });
    const before = await idOf(name);
    const message = `unrecognized image ID ${before}`;
    const removal = proxy.inject({
      on: `DELETE /images/${before}`,
      fault: { type: 'answer', status: 500, message },
    });
    await buildReaperImage(await connectEngine(proxy.address), { name });
    expect(removal.hits()).toBe(1);
    expect(await idOf(name)).not.toBe(before);
    await docker.getImage(before).remove();
  });

  it('is not reported as built when another client has removed it', async () => {
    await using proxy = await openFaultProxy();
    const name = newName();
    const message = `No such image: ${name}`;
    const inspect = `GET /images/${name}/json`;
    proxy.inject({ on: inspect, fault: { type: 'answer', status: 404, message }, times: 2 });
    const building = buildReaperImage(await connectEngine(proxy.address), { name });
    await expect(building).rejects.toThrow(message);
  });
});
