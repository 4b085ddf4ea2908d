import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { openScope, type Scope } from '../../lib/index';
import type { RegistryEntry } from '../../lib/registry/entry';
import { claimedLabels } from '../../lib/registry/claims';
import { sessionIdentity } from '../../lib/registry/session-identity';
import type { FaultProxy } from '../support/fault-proxy';
import { removeLeftovers } from '../support/leftovers';
import { deadOwner, labelsOf, someSession } from '../support/owned-things';
import { writeComposeFile } from '../support/compose-command';
import { partsOfProject } from '../support/compose-stack';
import { rejectionOf } from '../support/rejection';
import { specImage } from '../support/spec-image';
import {
  createIdleContainer,
  createIdleThing,
  createRunningContainer,
  createThing,
  docker,
  exists,
  uniqueName,
} from '../support/things';
import { nextLine } from '../support/this-line';
import { openProxyForAll } from '../support/through-proxy';

let proxy: FaultProxy;

beforeAll(async () => {
  proxy = await openProxyForAll();
});
afterEach(() => removeLeftovers());
afterAll(() => proxy.close());

function entriesOf(scope: Scope): readonly RegistryEntry[] {
  return sessionIdentity().registry.list({ scope: scope.name });
}

describe('an adopted resource', () => {
  it.each(['container', 'network', 'volume', 'image'] as const)(
    'is removed when the scope closes: a %s',
    async (kind) => {
      const id = await createIdleThing(kind);
      const scope = openScope(`adopts a ${kind}`);
      const source = nextLine();
      await scope.adopt(id, kind);
      expect(await exists(kind, id)).toBe(true);
      expect(entriesOf(scope)).toMatchObject([
        { kind, id, engine: proxy.address, state: 'present', owner: { scope: scope.name, source } },
      ]);
      const { ends } = await scope.close();
      expect(await exists(kind, id)).toBe(false);
      expect(ends).toMatchObject([{ source, result: { kind, id, outcome: 'removed' } }]);
      expect(entriesOf(scope)).toMatchObject([{ state: 'gone', outcome: 'removed' }]);
    },
  );

  it('is not found by a name with which the id of another container starts', async () => {
    const other = await createIdleContainer();
    await using scope = openScope('adopts a missing name');
    const error = await rejectionOf(scope.adopt(other.slice(0, 8)));
    expect(error).toMatchObject({
      code: 'ENGINE_REFUSED',
      message: expect.stringContaining('no container has this name or id'),
    });
    expect((await scope.close()).ends).toEqual([]);
    expect(await exists('container', other)).toBe(true);
  });

  it.each([
    ['its id', (id: string) => id],
    ['a short id', (id: string) => id.slice(0, 12)],
    ['its name', (_id: string, name: string) => name],
    ['a name with a slash, as Docker lists it', (_id: string, name: string) => `/${name}`],
    ['a dockerode container', (id: string) => docker.getContainer(id)],
    ['a started test container', (id: string) => ({ getId: () => id })],
  ])('can be given as %s, and is registered by its full id and name', async (_as, refTo) => {
    const name = uniqueName();
    const id = await createIdleContainer({ name });
    const scope = openScope(`adopts ${_as}`);
    await scope.adopt(refTo(id, name));
    expect(entriesOf(scope)).toMatchObject([{ id, name }]);
    const { ends } = await scope.close();
    expect(ends).toMatchObject([{ what: `container ${name} (${id.slice(0, 12)})` }]);
    expect(await exists('container', id)).toBe(false);
  });

  it('has its full name in the report when it has no id', async () => {
    const name = await createThing('volume');
    const scope = openScope();
    await scope.adopt(name, 'volume');
    expect(await scope.close()).toMatchObject({ ends: [{ what: `volume ${name}` }] });
  });

  it('is removed in reverse order among the other items', async () => {
    const network = await createThing('network');
    const container = await createRunningContainer({ HostConfig: { NetworkMode: network } });
    const scope = openScope();
    await scope.adopt(network, 'network');
    let atDefer: readonly boolean[] = [];
    scope.defer('check', async () => {
      atDefer = [await exists('network', network), await exists('container', container)];
    });
    await scope.adopt(container);
    await scope.close();
    expect(atDefer).toEqual([true, false]);
    expect(await exists('network', network)).toBe(false);
  });

  it('is not confused with a later container of the same name', async () => {
    const name = uniqueName();
    const id = await createIdleContainer({ name });
    const scope = openScope();
    await scope.adopt(name);
    await docker.getContainer(id).remove({ force: true });
    const other = await createIdleContainer({ name });
    const { ends } = await scope.close();
    expect(ends).toMatchObject([{ result: { outcome: 'already-gone' } }]);
    expect(await exists('container', other)).toBe(true);
  });

  it('is removed from the engine that it was found on, even if DOCKER_HOST has changed', async () => {
    const id = await createIdleContainer();
    const scope = openScope('another environment');
    await scope.adopt(id);
    process.env['DOCKER_HOST'] = 'unix:///nowhere/docker.sock';
    try {
      await scope.close();
    } finally {
      process.env['DOCKER_HOST'] = proxy.address;
    }
    expect(await exists('container', id)).toBe(false);
  });
});

describe('a resource adopted from another session', () => {
  let name: string;
  beforeEach(async () => {
    name = uniqueName();
    await docker.createVolume({ Name: name, Labels: labelsOf(someSession(), deadOwner()) });
  });
  afterEach(async () => {
    for (const marker of await markersOf(name)) await docker.getVolume(marker).remove();
  });

  it('keeps its marker when it could not be removed', async () => {
    const scope = openScope('adopts a protected volume');
    await scope.adopt(name, 'volume');
    expect(await markersOf(name)).toHaveLength(1);
    const fault = { type: 'answer', status: 403, message: 'it is protected' } as const;
    const rule = proxy.inject({ on: `DELETE /volumes/${name}`, fault, times: Infinity });
    expect(await rejectionOf(scope.close())).toMatchObject({ code: 'CLEANUP_FAILED' });
    rule.remove();
    expect(await markersOf(name)).toHaveLength(1);
  });

  it('is recorded as gone, and fails the close, when its marker could not be removed', async () => {
    const scope = openScope('leaves a marker');
    await scope.adopt(name, 'volume');
    const fault = { type: 'answer', status: 403, message: 'it is protected' } as const;
    const rule = proxy.inject({ on: 'DELETE /volumes/castoff-adopts-*', fault, times: Infinity });
    expect(await rejectionOf(scope.close())).toMatchObject({
      message: expect.stringContaining('it is protected'),
    });
    rule.remove();
    expect(await exists('volume', name)).toBe(false);
    expect(entriesOf(scope)).toMatchObject([{ state: 'gone' }]);
  });

  it('is neither registered nor marked when a sweep removes it before its marker exists', async () => {
    const scope = openScope('adopts too late');
    const held = proxy.hold('POST /volumes/create');
    const adopting = rejectionOf(scope.adopt(name, 'volume'));
    await held.arrived();
    await docker.getVolume(name).remove();
    held.release();
    expect(await adopting).toMatchObject({ code: 'ENGINE_REFUSED', message: expect.stringContaining(name) });
    expect(entriesOf(scope)).toEqual([]);
    expect(await markersOf(name)).toEqual([]);
  });

  async function markersOf(volume: string): Promise<readonly string[]> {
    const { Volumes } = await docker.listVolumes({
      filters: { label: [`castoff.adopts=volume:${volume}`] },
    });
    return (Volumes ?? []).map(({ Name }) => Name);
  }
});

describe('an adopted Compose project', () => {
  const service = { image: specImage, network_mode: 'none' };
  const content = {
    version: '3.5',
    services: { app: { ...service, volumes: ['data:/data'] } },
    volumes: { data: {} },
  };

  it('is removed by its name when the scope closes, with the parts that it gets later', async () => {
    const project = uniqueName();
    await using file = await writeComposeFile(content);
    await file.create(project);
    const before = await partsOfProject(project);
    const scope = openScope('adopts a project');
    const source = nextLine();
    await scope.adopt(project, 'compose-project');
    expect(entriesOf(scope)).toMatchObject([
      { kind: 'compose-project', id: project, state: 'present', owner: { scope: scope.name, source } },
    ]);
    expect(claimedLabels()).toEqual([
      { labels: [`com.docker.compose.project=${project}`], bounds: { only: expect.any(Array) } },
    ]);
    expect(await markersOfParts(before)).toHaveLength(before.length);
    await using later = await writeComposeFile({ version: '3.5', services: { later: service } });
    await later.create(project);
    expect((await partsOfProject(project)).length).toBeGreaterThan(before.length);
    const { ends } = await scope.close();
    expect(ends).toMatchObject([{ source, result: { kind: 'compose-project', outcome: 'removed' } }]);
    expect(await partsOfProject(project)).toEqual([]);
    expect(await markersOfParts(before)).toEqual([]);
    expect(claimedLabels()).toEqual([]);
  });

  it('is refused when nothing of it exists', async () => {
    await using scope = openScope('adopts nothing');
    const name = uniqueName();
    expect(await rejectionOf(scope.adopt(name, 'compose-project'))).toMatchObject({
      code: 'ENGINE_REFUSED',
      message: `adopt Compose project ${name}: no container, network or volume of it exists`,
    });
    expect(entriesOf(scope)).toEqual([]);
  });

  it('is removed at once when the scope is closed', async () => {
    const project = uniqueName();
    await using file = await writeComposeFile(content);
    await file.create(project);
    const scope = openScope('orders');
    await scope.close();
    expect(await rejectionOf(scope.adopt(project, 'compose-project'))).toMatchObject({
      code: 'SCOPE_CLOSED',
    });
    expect(await partsOfProject(project)).toEqual([]);
  });
});

/** Returns the names of the volumes that mark parts of a project as adopted: `network 3f2a…`. */
async function markersOfParts(parts: readonly string[]): Promise<readonly string[]> {
  const { Volumes } = await docker.listVolumes({ filters: { label: ['castoff.adopts'] } });
  const ids = parts.map((part) => part.split(' ').at(-1) ?? '');
  return (Volumes ?? []).flatMap(({ Name, Labels }) =>
    ids.some((id) => Labels['castoff.adopts']?.endsWith(`:${id}`)) ? [Name] : [],
  );
}

describe('scope.adopt', () => {
  it('rejects for a missing resource, which is not registered', async () => {
    const scope = openScope('adopts nothing');
    const name = uniqueName();
    expect(await rejectionOf(scope.adopt(name))).toMatchObject({
      code: 'ENGINE_REFUSED',
      message: expect.stringContaining(name),
    });
    expect(entriesOf(scope)).toEqual([]);
    expect(await scope.close()).toMatchObject({ ends: [] });
  });

  it.each([
    ['an empty string', ''],
    ['an object without an id', {}],
    ['number 7', 7],
    ['nothing', undefined],
    ['nothing', null],
  ])('rejects for a reference without an id, and names it: %s', async (got, ref) => {
    await using scope = openScope('adopts no id');
    expect(await rejectionOf(scope.adopt(ref as never))).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(`scope.adopt a container: got ${got}`),
    });
    expect(entriesOf(scope)).toEqual([]);
  });
});

describe('a closed scope', () => {
  it('removes a resource adopted too late, then rejects with SCOPE_CLOSED', async () => {
    const id = await createIdleContainer();
    const scope = openScope('orders');
    await scope.close();
    expect(await rejectionOf(scope.adopt(id))).toMatchObject({
      code: 'SCOPE_CLOSED',
      message: `scope orders: cannot adopt container ${id}: the scope is closed`,
    });
    expect(await exists('container', id)).toBe(false);
  });

  it('rejects with SCOPE_CLOSED and the cause when a resource adopted too late cannot be removed', async () => {
    const id = await createIdleContainer();
    const scope = openScope('orders');
    await scope.close();
    const fault = { type: 'answer', status: 403, message: 'it is protected' } as const;
    const rule = proxy.inject({ on: 'DELETE /containers/*', fault, times: Infinity });
    const error = await rejectionOf(scope.adopt(id));
    rule.remove();
    expect(error).toMatchObject({
      code: 'SCOPE_CLOSED',
      message: expect.stringContaining('it is protected'),
      cause: { code: 'CLEANUP_FAILED' },
    });
    expect(await exists('container', id)).toBe(true);
  });
});
