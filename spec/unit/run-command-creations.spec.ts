import { describe, expect, it } from '@jest/globals';
import { BuiltImages } from '../../lib/command-run/built-images';
import { Creations } from '../../lib/command-run/creations';
import { newlyNamed, pulledName } from '../../lib/command-run/new-images';
import { ProjectGate } from '../../lib/command-run/project-gate';
import type { NamedVolume } from '../../lib/capture/named-volumes';
import { readCreateRequest } from '../../lib/capture/read-create-request';
import { meaningOfRequest, type RequestMeaning } from '../../lib/capture/request-meaning';
import type { Labels } from '../../lib/core/labels';
import type { Engine } from '../../lib/engine/engine';
import { Registry } from '../../lib/registry/registry';
import type { Journal } from '../../lib/registry/journal';

const noJournal = { append: () => undefined, remove: () => undefined } as unknown as Journal;

function openCreations({ existing = [] as readonly Labels[] } = {}) {
  const registry = new Registry(() => noJournal);
  const projects = new ProjectGate({
    session: '0123456789ab',
    listParts: async () => existing.map((labels) => ({ labels })),
  });
  const unlabelled: string[] = [];
  const volumes: NamedVolume[] = [];
  const creations = new Creations({
    session: '0123456789ab',
    registry,
    connecting: Promise.resolve({ address: 'unix:///engine.sock' } as Engine),
    command: 'make test',
    projects,
    ready: async () => undefined,
    createVolume: async (volume, labels) => {
      volumes.push({ ...volume, labels });
      return { meaning: 'done', value: undefined };
    },
    onUnlabelled: async (creation) => void unlabelled.push(creation),
  });
  const plan = (path: string, body: object = {}) => {
    const meaning = meaningOfRequest('POST', path) as Extract<RequestMeaning, { type: 'create' }>;
    return creations.plan({
      request: readCreateRequest(meaning, path, body as Record<string, unknown>),
      path,
    });
  };
  return { registry, creations, projects, plan, unlabelled, volumes };
}

describe('what a command creates', () => {
  it('includes the volumes that a container mounts by name, before the container', async () => {
    const { registry, plan, volumes } = openCreations();
    await plan('/v1.41/containers/create', {
      HostConfig: {
        Binds: ['data:/data:ro', '/etc/hosts:/hosts', String.raw`C:\hosts:/hosts`, 'data:/again'],
        Mounts: [
          { Type: 'bind', Source: '/tmp', Target: '/tmp' },
          { Type: 'volume', Target: '/anonymous' },
          {
            Type: 'volume',
            Source: 'cache',
            Target: '/cache',
            VolumeOptions: {
              Labels: { team: 'a' },
              DriverConfig: { Name: 'local', Options: { type: 'tmpfs' } },
            },
          },
        ],
      },
    });
    expect(volumes).toMatchObject([
      { name: 'data', driver: undefined, driverOptions: {}, labels: { 'castoff.kind': 'volume' } },
      { name: 'cache', driver: 'local', driverOptions: { type: 'tmpfs' }, labels: { team: 'a' } },
    ]);
    expect(registry.list().map(({ kind, name }) => ({ kind, name }))).toEqual([
      { kind: 'volume', name: 'data' },
      { kind: 'volume', name: 'cache' },
      { kind: 'container', name: undefined },
    ]);
  });

  it('is registered before it exists, with the command that created it', async () => {
    const { registry, plan } = openCreations();
    const planned = await plan('/v1.41/containers/create?name=db', { Image: 'redis' });
    const [entry] = registry.list();
    expect(entry).toMatchObject({
      kind: 'container',
      name: 'db',
      image: 'redis',
      state: 'registered',
      origin: 'raw',
    });
    expect(planned?.labels).toMatchObject({
      'castoff.session': '0123456789ab',
      'castoff.test': 'make test',
      'castoff.start': entry?.key,
    });
    await planned?.settle({ isCreated: true, id: 'f00' });
    expect(registry.list()).toMatchObject([{ state: 'present', id: 'f00' }]);
  });

  it('is not counted if the engine refused it, and stays open without an answer', async () => {
    const { registry, plan } = openCreations();
    await (await plan('/networks/create', { Name: 'a' }))?.settle({ isCreated: false });
    await (await plan('/volumes/create', { Name: 'b' }))?.settle(undefined);
    expect(registry.list()).toMatchObject([
      { state: 'gone', outcome: 'never-created' },
      { state: 'registered' },
    ]);
  });

  it.each<[string, string, object]>([
    ['is a reaper', '/containers/create', { Labels: { 'org.testcontainers.ryuk': 'true' } }],
    ['has the name of a Ryuk', '/containers/create?name=testcontainers-ryuk-1', { Image: 'ryuk' }],
    ['is meant to be reused', '/containers/create', { Labels: { 'org.testcontainers.container-hash': 'a' } }],
    ['belongs to another session', '/containers/create', { Labels: { 'castoff.session': 'ba9876543210' } }],
    ['is an image with a name', '/build?t=app', {}],
    ['is a snapshot with a name', '/commit?container=a&repo=app', {}],
  ])('is left alone if it %s', async (_, path, body) => {
    const { registry, plan } = openCreations();
    expect(await plan(path, body)).toBeUndefined();
    expect(registry.list()).toEqual([]);
  });

  it('names the sessions of castoff in the command', async () => {
    const { creations, plan } = openCreations();
    await plan('/containers/create', { Labels: { 'castoff.session': 'ba9876543210' } });
    await plan('/containers/create', {});
    expect([...creations.innerSessions]).toEqual(['ba9876543210']);
  });

  it('belongs to the session if it is an image without a name, or one of Testcontainers', async () => {
    const { plan } = openCreations();
    const labels = encodeURIComponent('{"org.testcontainers.session-id":"1"}');
    expect(await plan('/build?dockerfile=Dockerfile')).toBeDefined();
    expect(await plan(`/build?t=localhost/a:b&labels=${labels}`)).toBeDefined();
  });

  it('is reported if it could not be labelled', async () => {
    const { creations, unlabelled } = openCreations();
    const meaning = meaningOfRequest('POST', '/containers/create') as Extract<
      RequestMeaning,
      { type: 'create' }
    >;
    const request = readCreateRequest(meaning, '/containers/create?name=a', {});
    const creation = { request, path: '/containers/create?name=a', unlabelled: 'its body is compressed' };
    expect(await creations.plan(creation)).toBeUndefined();
    expect(unlabelled).toEqual(['POST /containers/create: its body is compressed']);
  });
});

describe('a Compose project', () => {
  const part = { Labels: { 'com.docker.compose.project': 'app' } };

  it('belongs to the command if nothing of it existed', async () => {
    const { plan, projects } = openCreations();
    expect(await plan('/networks/create', part)).toBeDefined();
    expect(projects.foreign).toEqual([]);
  });

  it('is left alone as a whole if something of it existed', async () => {
    const { plan, projects, registry } = openCreations({
      existing: [{ 'com.docker.compose.project': 'app' }],
    });
    expect(await plan('/networks/create', part)).toBeUndefined();
    expect(await plan('/containers/create', part)).toBeUndefined();
    expect(registry.list()).toEqual([]);
    expect(projects.foreign).toEqual(['app']);
  });

  it('is looked up once for parts that are created at the same time, and again after an error', async () => {
    let calls = 0;
    const gate = new ProjectGate({
      session: '0123456789ab',
      async listParts() {
        calls += 1;
        if (calls === 1) throw new Error('engine away');
        return [{ labels: { 'castoff.session': '0123456789ab' } }];
      },
    });
    await expect(gate.isOurs('app')).rejects.toThrow('engine away');
    expect(await Promise.all([gate.isOurs('app'), gate.isOurs('app')])).toEqual([true, true]);
    expect(calls).toBe(2);
  });
});

describe('the images that a command built', () => {
  const app = { id: 'sha256:b', tags: ['app:latest'], bytes: 2 };
  const build = '/v1.41/build?t=app';
  const pull = '/v1.41/images/create?fromImage=app&tag=latest';
  it.each<[string, readonly (readonly [path: string, isDone: boolean])[], boolean]>([
    ['it has built', [[build, true]], true],
    ['it has tagged', [['/images/base/tag?repo=app', true]], true],
    ['it could not build', [[build, false]], false],
    ['it has pulled', [[pull, true]], false],
    ['it could not pull, and has built', [[pull, false], [build, true]], true], // prettier-ignore
    ['it has pulled, and then built', [[pull, true], [build, true]], true], // prettier-ignore
    ['it has built, and could not pull', [[build, true], [pull, false]], true], // prettier-ignore
  ])('are those with a name that %s', async (_, requests, expected) => {
    const lists = [[], [app]];
    const ask = async () => ({ meaning: 'done', value: lists.length > 1 ? lists.shift() : lists[0] });
    const images = new BuiltImages(Promise.resolve({ ask } as unknown as Engine));
    for (const [path, isDone] of requests) (await images.note('POST', path))?.(isDone);
    expect((await images.finish(false)).images.map(({ newTags }) => newTags)).toEqual(
      expected ? [app.tags] : [],
    );
  });

  const before = [{ id: 'sha256:a', tags: ['base:latest', 'app:old'], bytes: 1 }];

  it('are those that got a new name, with their older names', () => {
    const after = [
      { id: 'sha256:a', tags: ['base:latest', 'extra:latest'], bytes: 1 },
      { id: 'sha256:b', tags: ['app:old', 'app:new'], bytes: 2 },
      { id: 'sha256:c', tags: ['redis:7'], bytes: 3 },
    ];
    const pulled = pulledName('/v1.41/images/create?fromImage=docker.io%2Flibrary%2Fredis&tag=7') ?? '';
    expect(pulled).toBe('redis:7');
    expect(newlyNamed(before, after, new Set([pulled]))).toEqual([
      { id: 'sha256:a', bytes: 1, newTags: ['extra:latest'], oldTags: ['base:latest'] },
      { id: 'sha256:b', bytes: 2, newTags: ['app:old', 'app:new'], oldTags: [] },
    ]);
    expect(newlyNamed(before, before, new Set())).toEqual([]);
  });

  it.each([
    ['/images/create?fromImage=redis', 'redis:latest'],
    ['/images/create?fromImage=localhost:5000/app&tag=sha256:1', 'localhost:5000/app:latest'],
    ['/images/create?fromSrc=-&repo=app', undefined],
    ['/v4.3.1/libpod/images/pull?reference=docker%3A%2F%2Fdocker.io%2Flibrary%2Fredis%3A7', 'redis:7'],
    ['/v5.0.0-dev/libpod/images/pull?policy=missing&reference=quay.io%2Fapp', 'quay.io/app:latest'],
    ['/build?t=app', undefined],
  ])('are not pulled ones: %s pulls %s', (path, name) => {
    expect(pulledName(path)).toBe(name);
  });

  it.each([
    ['build?t=other&t=app', true],
    ['local/build?t=app', true],
    ['images/base/tag?repo=localhost%2Fapp&tag=latest', true],
    ['images/import?reference=app', true],
    ['commit?container=c1&repo=app', true],
    ['images/load', true],
    ['images/pull?reference=app', false],
    ['containers/create', false],
  ])("are found in the requests of Podman's own API: %s names one: %s", async (route, isFound) => {
    const listed: object[] = [];
    const client = { listImages: async () => [...listed] };
    const ask = async (_: string, __: string, call: (docker: object) => Promise<unknown>) => ({
      meaning: 'done',
      value: await call(client),
    });
    const images = new BuiltImages(Promise.resolve({ ask } as unknown as Engine));
    const listener = await images.note('POST', `/v4.3.1/libpod/${route}`);
    listener?.(true);
    listed.push({ Id: 'sha256:b', RepoTags: ['localhost/app:latest'], Size: 1 });
    const { images: found } = await images.finish(false);
    expect(found.flatMap(({ newTags }) => newTags)).toEqual(isFound ? ['localhost/app:latest'] : []);
  });
});
