import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { cleanupComposeProject, cleanupContainer, isCastoffError } from '../../lib/index';
import { compose, writeComposeFile, type ComposeFile } from '../support/compose-command';
import { openFaultProxy, type FaultProxy } from '../support/fault-proxy';
import { removeLeftovers } from '../support/leftovers';
import { sleeper, specImage } from '../support/spec-image';
import { createIdleContainer, docker, exists, specLabel, uniqueName } from '../support/things';

const projectLabel = 'com.docker.compose.project';
const kinds = ['container', 'network', 'volume', 'image'] as const;
type Kind = (typeof kinds)[number];

/** Lists the resources with the project's label, by kind. */
async function partsOf(project: string): Promise<Record<Kind, readonly string[]>> {
  const filters = { label: [`${projectLabel}=${project}`] };
  const [containers, networks, { Volumes }, images] = await Promise.all([
    docker.listContainers({ all: true, filters }),
    docker.listNetworks({ filters }),
    docker.listVolumes({ filters }),
    docker.listImages({ filters }),
  ]);
  return {
    container: containers.map(({ Id }) => Id).toSorted(),
    network: networks.map(({ Id }) => Id).toSorted(),
    volume: (Volumes ?? []).map(({ Name }) => Name).toSorted(),
    image: images.map(({ Id }) => Id).toSorted(),
  };
}

const nothing = { container: [], network: [], volume: [], image: [] };

/** Docker names an anonymous volume with 64 hexadecimal digits. */
async function anonymousVolumesOf(id: string): Promise<readonly string[]> {
  const { Mounts } = await docker.getContainer(id).inspect();
  return Mounts.flatMap(({ Name = '' }) => (/^[0-9a-f]{64}$/.test(Name) ? [Name] : []));
}

/** Creates a resource as Compose does, for specs that do not need the command. */
function labelsOf(project: string): Record<string, string> {
  return { ...specLabel, [projectLabel]: project };
}

async function createPartImage(project: string): Promise<string> {
  const name = uniqueName();
  const container = await docker.createContainer({ Image: specImage, Labels: labelsOf(project) });
  await container.commit({ repo: name, tag: '1' });
  await container.remove();
  return `${name}:1`;
}

afterAll(() => removeLeftovers());

describe('cleanupComposeProject, for a project that Compose has started', () => {
  const [ours, theirs] = [uniqueName(), uniqueName()];
  const [externalVolume, externalNetwork] = [uniqueName(), uniqueName()];
  let file: ComposeFile;
  beforeAll(async () => {
    await docker.createVolume({ Name: externalVolume, Labels: specLabel });
    await docker.createNetwork({ Name: externalNetwork, Labels: specLabel });
    const labels = specLabel;
    // Compose substitutes variables.
    const command = sleeper.map((word) => word.replaceAll('$', '$$$$'));
    const service = { image: specImage, command, labels };
    file = await writeComposeFile({
      version: '3.5',
      services: {
        db: { ...service, volumes: ['data:/data', 'kept:/kept', '/anonymous'], networks: ['inner', 'kept'] },
        app: { ...service, networks: ['inner', 'outer'], depends_on: ['db'] },
      },
      networks: { inner: { labels }, outer: { labels }, kept: { external: true, name: externalNetwork } },
      volumes: { data: { labels }, kept: { external: true, name: externalVolume } },
    });
    const create = ['--file', join(file.folder, 'docker-compose.yml'), '-p', theirs, 'up', '--no-start'];
    await Promise.all([file.up(ours), compose(create)]);
    const { container } = await partsOf(theirs);
    await docker.getContainer(container[0] ?? '').start();
  });
  afterAll(async () => file[Symbol.asyncDispose]());

  it("removes a project's containers, networks, volumes and images, in that order, and nothing of another project", async () => {
    const image = await createPartImage(ours);
    const [before, neighbour] = [await partsOf(ours), await partsOf(theirs)];
    expect(before).toMatchObject({
      container: { length: 2 },
      network: { length: 2 },
      volume: { length: 1 },
      image: { length: 1 },
    });

    const result = await cleanupComposeProject(ours, { workingDir: file.folder });

    expect(result).toMatchObject({ kind: 'compose-project', id: ours, outcome: 'removed' });
    expect(result.parts.map(({ kind }) => kind)).toEqual([
      'container',
      'container',
      'network',
      'network',
      'volume',
      'image',
    ]);
    expect(new Set(result.parts.map(({ id }) => id))).toEqual(new Set(kinds.flatMap((kind) => before[kind])));
    expect(result.attempts).toBe(result.parts.reduce((sum, { attempts }) => sum + attempts, 0));
    expect(await partsOf(ours)).toEqual(nothing);
    expect(await exists('image', image)).toBe(false);

    expect(await partsOf(theirs)).toEqual(neighbour);
    expect((await docker.getContainer(neighbour.container[0] ?? '').inspect()).State.Running).toBe(true);
    expect(await exists('volume', externalVolume)).toBe(true);
    expect(await exists('network', externalNetwork)).toBe(true);
    expect(await exists('image', specImage)).toBe(true);
  });

  it('refuses a project started from another folder, unless workingDir names it', async () => {
    const before = await partsOf(theirs);
    await expect(cleanupComposeProject(theirs)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message:
        `remove Compose project ${theirs}: it was started from ${file.folder}, not from ${process.cwd()}; ` +
        `if it is yours, set workingDir: "${file.folder}"`,
    });
    await expect(cleanupComposeProject(theirs, { workingDir: join(file.folder, '..') })).rejects.toThrow(
      `from ${file.folder}, not from ${join(file.folder, '..')};`,
    );
    expect(await partsOf(theirs)).toEqual(before);
  });

  it('keeps the volumes of a project with removeVolumes: false', async () => {
    const { container, volume } = await partsOf(theirs);
    const anonymous = (await Promise.all(container.map(anonymousVolumesOf))).flat();
    const cwd = jest.spyOn(process, 'cwd').mockReturnValue(file.folder);
    try {
      const result = await cleanupComposeProject(theirs, { removeVolumes: false });
      expect(result.parts.map(({ kind }) => kind)).toEqual(['container', 'container', 'network', 'network']);
    } finally {
      cwd.mockRestore();
    }
    expect(await partsOf(theirs)).toEqual({ ...nothing, volume });
    expect(anonymous).toHaveLength(1);
    for (const name of anonymous) await docker.getVolume(name).remove();
  });

  it('finds a removed project already gone, and then removes another one', async () => {
    expect(await cleanupComposeProject(ours)).toMatchObject({
      outcome: 'already-gone',
      attempts: 0,
      parts: [],
    });
    expect(await cleanupComposeProject(theirs)).toMatchObject({
      outcome: 'removed',
      parts: [{ kind: 'volume' }],
    });
    expect(await partsOf(theirs)).toEqual(nothing);
  });
});

describe('cleanupComposeProject', () => {
  let proxy: FaultProxy;
  beforeAll(async () => void (proxy = await openFaultProxy()));
  afterAll(() => proxy.close());
  afterEach(() => proxy.removeRules());

  it('removes resources of a project that are created during its cleanup', async () => {
    const project = uniqueName();
    const first = await createIdleContainer({ Labels: labelsOf(project) });
    const held = proxy.hold(`DELETE /containers/${first}`);
    const cleanup = cleanupComposeProject(project, { engine: proxy.address });
    await held.arrived();
    const second = await createIdleContainer({ Labels: labelsOf(project) });
    held.release();
    expect((await cleanup).parts.map(({ id }) => id)).toEqual([first, second]);
    expect(await partsOf(project)).toEqual(nothing);
  });

  it('names each resource of a project that could not be removed, and removes the rest', async () => {
    const project = uniqueName();
    const [volume, other] = [uniqueName(), uniqueName()];
    for (const Name of [volume, other]) await docker.createVolume({ Name, Labels: labelsOf(project) });
    const part = await createIdleContainer({ Labels: labelsOf(project) });
    const bystander = await createIdleContainer({ HostConfig: { Binds: [`${volume}:/data`] } });

    const error: unknown = await cleanupComposeProject(project, { timeoutMs: 3_000 }).catch(
      (reason: unknown) => reason,
    );

    expect(isCastoffError(error, 'CLEANUP_FAILED')).toBe(true);
    expect(error).toMatchObject({
      message: expect.stringMatching(
        new RegExp(
          `^remove Compose project ${project}: 1 of its resources could not be removed\n  remove volume ${volume}: 409 .*in use`,
        ),
      ),
      errors: [{ code: 'CLEANUP_FAILED', evidence: { kind: 'volume', id: volume } }],
    });
    expect(await exists('container', part)).toBe(false);
    expect(await exists('volume', other)).toBe(false);
    expect(await exists('container', bystander)).toBe(true);
    await cleanupContainer(bystander);
    expect(await cleanupComposeProject(project)).toMatchObject({
      outcome: 'removed',
      parts: [{ id: volume }],
    });
  });

  it.each([
    ['fails once', { type: 'answer', status: 500, message: 'no luck' } as const],
    ['is reset', { type: 'reset' } as const],
    ['is never answered', { type: 'swallow' } as const],
    ['is cut off', { type: 'cut-answer' } as const],
  ])('retries a list of a project that %s', async (_what, fault) => {
    const project = uniqueName();
    const part = await createIdleContainer({ Labels: labelsOf(project) });
    proxy.inject({ on: 'GET /containers/json', fault });
    const cleanup = cleanupComposeProject(project, { engine: proxy.address, timeoutMs: 6_000 });
    expect(await cleanup).toMatchObject({ outcome: 'removed', parts: [{ id: part }] });
    expect(await partsOf(project)).toEqual(nothing);
  });

  it('removes the rest of a project while one container is stuck', async () => {
    const project = uniqueName();
    const stuck = await createIdleContainer({ Labels: labelsOf(project) });
    await docker.createNetwork({ Name: uniqueName(), Labels: labelsOf(project) });
    await docker.createVolume({ Name: uniqueName(), Labels: labelsOf(project) });
    const fault = { type: 'swallow' } as const;
    proxy.inject({ on: `* /containers/${stuck}`, fault, times: Infinity });
    await expect(
      cleanupComposeProject(project, { engine: proxy.address, timeoutMs: 6_000 }),
    ).rejects.toMatchObject({ errors: [{ evidence: { kind: 'container', id: stuck } }] });
    expect(await partsOf(project)).toEqual({ ...nothing, container: [stuck] });
  });

  it('reports that a project cannot be listed by the deadline', async () => {
    proxy.inject({
      on: 'GET /volumes',
      fault: { type: 'answer', status: 500, message: 'no volumes today' },
      times: Infinity,
    });
    await expect(
      cleanupComposeProject(uniqueName(), { engine: proxy.address, timeoutMs: 3_000 }),
    ).rejects.toMatchObject({
      code: 'CLEANUP_FAILED',
      message: expect.stringMatching(/^list resources with .*no volumes today/),
    });
  });

  it('rejects with the reason of an aborted signal, and sends no more requests', async () => {
    const project = uniqueName();
    const part = await createIdleContainer({ Labels: labelsOf(project) });
    const leaving = new AbortController();
    const held = proxy.hold('GET /networks');
    const cleanup = cleanupComposeProject(project, { engine: proxy.address, signal: leaving.signal });
    await held.arrived();
    const reason = new Error('no longer wanted');
    leaving.abort(reason);
    await expect(cleanup).rejects.toBe(reason);
    expect(await exists('container', part)).toBe(true);
    expect(proxy.calls.some(({ path }) => path.includes(part))).toBe(false);
  });

  it.each([undefined, null])('skips a project named %s', async (name) => {
    expect(await cleanupComposeProject(name)).toMatchObject({ outcome: 'skipped', parts: [], attempts: 0 });
  });

  it.each<[string, unknown]>([
    ['an empty name', ''],
    ['a name with a space', 'my project'],
    ['a name that would change the filter', 'a,b=c'],
    ['a path', '../other'],
    ['a number', 7],
    ['an object', { name: 'app' }],
  ])('refuses %s as the name of a project', async (_what, name) => {
    await expect(cleanupComposeProject(name as string, { engine: proxy.address })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/^clean up a Compose project: got /),
    });
  });

  it.each([{ timeoutMs: -1 }, { timeoutMs: NaN }, { stopTimeoutMs: -1 }, { stopTimeoutMs: NaN }])(
    'refuses %p before any request to the engine',
    async (options) => {
      const before = proxy.calls.length;
      const cleanup = cleanupComposeProject(uniqueName(), { engine: proxy.address, ...options });
      await expect(cleanup).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
      expect(proxy.calls).toHaveLength(before);
    },
  );
});
