import { existsSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { GenericContainer, Network } from 'testcontainers';
import { openSession, type RegistryChange } from '../../lib/index';
import { readJournal, type JournalFact } from '../../lib/registry/journal';
import { journalFolder } from '../../lib/registry/session-identity';
import { bundleForNode } from '../support/bundle';
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
  it('tells of everything that is started and adopted, in order, from before it exists until it is gone', async () => {
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
    await until(() => changes.length === 12, 1_000);
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

  it('leaves nothing on the disk once everything is gone', async () => {
    await using session = await openSession();
    await session.scope.start(definition());
    const folder = journalFolder(session.id);
    expect(await readdir(folder)).toEqual([`${process.pid}.jsonl`]);
    await session.close();
    expect(existsSync(folder)).toBe(false);
  });
});

describe('a process that is killed', () => {
  /** The journal of a child whose temporary folder this is. */
  const factsIn = async (folder: string): Promise<readonly JournalFact[]> => {
    const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith('.jsonl'));
    return files.flatMap((file) => readJournal(join(folder, file)));
  };

  it.each([
    ['with five containers running', 5],
    ['while it starts five containers', 2],
  ])('%s has named in its journal each that is on the engine', async (_when, present) => {
    await using bundle = await bundleForNode('index.ts');
    const folder = await mkdtemp(join(tmpdir(), 'castoff-killed-'));
    const child = spawn(
      process.execPath,
      [join(__dirname, '../fixtures/crash/start-many.cjs'), bundle.path],
      {
        env: { ...process.env, TMPDIR: folder },
        stdio: ['ignore', 'inherit', 'inherit'],
      },
    );
    const exited = once(child, 'exit');
    const isTime = async (): Promise<boolean> => {
      const facts = await factsIn(folder);
      return child.exitCode !== null || facts.filter(({ fact }) => fact === 'present').length >= present;
    };
    const wasTime = await until(isTime, 20_000);
    child.kill('SIGKILL');
    await exited;
    const facts = await factsIn(folder);
    const [first] = facts;
    const session = first?.fact === 'opened' ? first.session : 'none';
    const filters = { label: [`castoff.session=${session}`] };
    const containers = await docker.listContainers({ all: true, filters });
    await Promise.all(containers.map(({ Id }) => docker.getContainer(Id).remove({ force: true })));
    await rm(folder, { recursive: true });

    expect([wasTime, child.signalCode]).toEqual([true, 'SIGKILL']);
    expect(first).toMatchObject({ fact: 'opened', owner: { pid: child.pid } });
    expect(containers.length).toBeGreaterThanOrEqual(present);
    const registered = facts.flatMap((fact) => (fact.fact === 'registered' ? [fact.key] : []));
    for (const { Labels } of containers) expect(registered).toContain(Labels['castoff.start']);
    const ids = facts.flatMap((fact) => (fact.fact === 'present' ? [fact.id] : []));
    expect(containers.map(({ Id }) => Id)).toEqual(expect.arrayContaining(ids));
    const sources = facts.flatMap((fact) => (fact.fact === 'registered' ? [fact.owner.source] : []));
    for (const source of sources) expect(source).toMatch(/^spec\/fixtures\/crash\/start-many\.cjs:\d+$/);
  });
});
