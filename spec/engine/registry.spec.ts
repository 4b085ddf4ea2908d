import { existsSync } from 'node:fs';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type Docker from 'dockerode';
import { GenericContainer, Network } from 'testcontainers';
import { openSession, type EntryState, type RegistryChange, type RegistryEntry } from '../../lib/index';
import { readJournal, type JournalLine } from '../../lib/registry/journal';
import { journalFolder } from '../../lib/registry/session-identity';
import { openFaultProxy, type FaultProxy } from '../support/fault-proxy';
import { removeLeftovers } from '../support/leftovers';
import { sleeper, specImage } from '../support/spec-image';
import { createThing, docker } from '../support/things';
import { removeThingsOfThisFile } from '../support/things-of-file';
import { nextLine } from '../support/this-line';
import { until } from '../support/until';

afterEach(async () => {
  await removeThingsOfThisFile();
  await removeLeftovers();
});

const definition = () => new GenericContainer(specImage).withCommand(sleeper);

describe("a session's registry", () => {
  it('reports every started and adopted resource in order, from its registration to its removal', async () => {
    await using session = await openSession();
    const changes: RegistryChange[] = [];
    session.registry.on('change', (change) => void changes.push(change));
    const volume = await createThing('volume');
    const { scope } = session;
    const lines = [nextLine()];
    const network = await scope.start(new Network());
    lines.push(nextLine());
    const container = await scope.start(definition().withNetwork(network));
    lines.push(nextLine());
    await scope.adopt(volume, 'volume');

    const owners = lines.map((source) => ({ scope: scope.name, test: undefined, source }));
    const name = container.getName().replace('/', '');
    expect(session.registry.list()).toMatchObject([
      { kind: 'network', id: network.getId(), name: network.getName(), state: 'present', owner: owners[0] },
      { kind: 'container', id: container.getId(), name, state: 'present', owner: owners[1] },
      { kind: 'volume', id: volume, state: 'present', owner: owners[2] },
    ]);

    await session.close();
    await until(() => changes.length === 12);
    expect(session.registry.list().map(({ state, outcome }) => [state, outcome])).toEqual([
      ['gone', 'removed'],
      ['gone', 'removed'],
      ['gone', 'removed'],
    ]);
    for (const { key } of session.registry.list()) {
      const own = changes.filter(({ entry }) => entry.key === key).map(({ entry }) => entry);
      expect(own.map(({ state }) => state)).toEqual(['registered', 'present', 'cleaning', 'gone']);
      const times = own.map(({ since }) => since.getTime());
      expect(times).toEqual(times.toSorted((one, other) => one - other));
    }
  });

  it('leaves no files once everything is removed', async () => {
    await using session = await openSession();
    await session.scope.adopt(await createThing('volume'), 'volume');
    const folder = journalFolder(session.id);
    expect(await readdir(folder)).toEqual([`${process.pid}.jsonl`]);
    await session.close();
    expect(existsSync(folder)).toBe(false);
  });
});

/** The engine's response to a removal. */
const statusOf = (removal: Promise<unknown>): Promise<number | undefined> =>
  removal.then(
    () => 204,
    (error: unknown) => (error as { readonly statusCode?: number }).statusCode,
  );

describe('a process that is killed', () => {
  let proxy: FaultProxy;
  let folder: string;
  beforeEach(async () => {
    proxy = await openFaultProxy();
    folder = await mkdtemp(join(tmpdir(), 'castoff-killed-'));
  });
  afterEach(async () => {
    const containers = await containersOf(await lines());
    const removals = containers.map(({ Id }) => docker.getContainer(Id).remove({ force: true }));
    for (const status of await Promise.all(removals.map(statusOf))) expect([204, 404]).toContain(status);
    await rm(folder, { recursive: true });
    await proxy.close();
  });

  /** Starts containers one after another in a separate process. */
  const startMany = (): ChildProcess =>
    spawn(process.execPath, [join(__dirname, '../fixtures/crash/start-many.cjs')], {
      env: { ...process.env, TMPDIR: folder, DOCKER_HOST: proxy.address },
      stdio: ['ignore', 'inherit', 'inherit'],
    });

  const lines = async (): Promise<readonly JournalLine[]> => {
    const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith('.jsonl'));
    return files.flatMap((file) => readJournal(join(folder, file)));
  };

  const containersOf = async ([first]: readonly JournalLine[]): Promise<readonly Docker.ContainerInfo[]> => {
    if (first === undefined || !('session' in first)) return [];
    const filters = { label: [`castoff.session=${first.session}`] };
    return docker.listContainers({ all: true, filters });
  };

  const pick = (all: readonly JournalLine[], state: EntryState): readonly RegistryEntry[] =>
    all.flatMap((line) => ('entry' in line && line.entry.state === state ? [line.entry] : []));

  it('has journaled each container that it started, with its source line, and the one being created', async () => {
    const child = startMany();
    const exited = once(child, 'exit');
    proxy.inject({
      on: 'POST /containers/create',
      times: Infinity,
      fault: (_call, nth) => {
        if (nth === 3) child.kill('SIGKILL');
        return undefined;
      },
    });
    expect(await exited).toEqual([null, 'SIGKILL']);
    const all = await lines();
    expect(all[0]).toMatchObject({ owner: { pid: child.pid } });
    // The engine continues requests whose client has died.
    expect(await until(async () => (await containersOf(all)).length === 3)).toBe(true);
    const containers = await containersOf(all);
    const registered = pick(all, 'registered');
    expect(containers.map(({ Labels }) => Labels['castoff.start'] ?? '').toSorted()).toEqual(
      registered.map(({ key }) => key).toSorted(),
    );
    for (const { kind, owner } of registered) {
      expect(kind).toBe('container');
      expect(owner.scope).toBe('to be killed');
      expect(owner.source).toMatch(/^spec\/fixtures\/crash\/start-many\.cjs:\d+$/);
    }
    const running = containers.filter(({ State }) => State === 'running').map(({ Id }) => Id);
    expect(running).toHaveLength(2);
    const present = pick(all, 'present').map(({ id = '' }) => id);
    expect(present.toSorted()).toEqual(running.toSorted());
  });
});
