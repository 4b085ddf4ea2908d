import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import {
  AbstractStartedContainer,
  DockerComposeEnvironment,
  GenericContainer,
  Network,
  type StartedTestContainer,
} from 'testcontainers';
import { openScope, type CloseError } from '../../lib/index';
import { labelNames } from '../../lib/core/labels';
import { readJournal, type JournalFact } from '../../lib/registry/journal';
import { journalFolder, sessionIdentity } from '../../lib/registry/session-identity';
import { composeClient } from '../support/compose-client';
import type { FaultProxy } from '../support/fault-proxy';
import { rejectionOf } from '../support/rejection';
import { sleeper, specImage } from '../support/spec-image';
import { docker, exists, uniqueName } from '../support/things';
import { removeThingsOfThisFile, thingsOfThisFile } from '../support/things-of-file';
import { nextLine } from '../support/this-line';
import { openProxyForAll } from '../support/through-proxy';

let proxy: FaultProxy;

beforeAll(async () => {
  process.env['GITHUB_RUN_ID'] = 'run 7';
  proxy = await openProxyForAll();
});
afterEach(() => removeThingsOfThisFile());
afterAll(async () => {
  await proxy.close();
  // What could not be removed is named in it; the specs have removed that by hand.
  await rm(journalFolder(sessionIdentity().id), { recursive: true, force: true });
});

const fixtures = join(__dirname, '../fixtures');
const definition = () => new GenericContainer(specImage).withCommand(sleeper);

async function labelsOf(container: StartedTestContainer): Promise<Record<string, string>> {
  return (await docker.getContainer(container.getId()).inspect()).Config.Labels;
}

function journalFacts(): readonly JournalFact[] {
  return readJournal(join(journalFolder(sessionIdentity().id), `${process.pid}.jsonl`));
}

describe('a container that is started in a scope', () => {
  it('can be used as one that testcontainers has started, and is gone when the scope is closed', async () => {
    await using scope = openScope();
    const container = await scope.start(definition());
    expect(await container.exec(['echo', 'hello'])).toMatchObject({ exitCode: 0, output: 'hello\n' });
    const { ends } = await scope.close();
    expect(await exists('container', container.getId())).toBe(false);
    expect(ends).toMatchObject([{ result: { kind: 'container', outcome: 'removed', attempts: 1 } }]);
    expect(await thingsOfThisFile()).toEqual([]);
  });

  it('carries labels that name its scope, its test, its line and its owner', async () => {
    await using scope = openScope('orders', { test: 'orders are paid' });
    const before = Date.now();
    const source = nextLine();
    const container = await scope.start(definition().withLabels({ mine: 'kept' }));
    const labels = await labelsOf(container);
    expect(labels).toMatchObject({
      mine: 'kept',
      'castoff.session': sessionIdentity().id,
      'castoff.scope': 'orders',
      'castoff.test': 'orders are paid',
      'castoff.source': source,
      'castoff.host': hostname(),
      'castoff.boot': readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
      'castoff.pid': String(process.pid),
      // @see proc(5): field 22, counted from behind the command in brackets
      'castoff.pid-start': readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ')[19],
      'castoff.run': 'run 7',
    });
    expect(labels['castoff.start']).toMatch(/^[0-9a-f]{16}$/);
    expect(labels['castoff.created']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(Date.parse(labels['castoff.created'] ?? '')).toBeGreaterThanOrEqual(before);
    expect(Date.parse(labels['castoff.created'] ?? '')).toBeLessThanOrEqual(Date.now());
  });

  it('is in the registry and in the journal before the engine is asked to create it', async () => {
    await using scope = openScope('registered first');
    const { registry } = sessionIdentity();
    const seen: unknown[] = [];
    const rule = proxy.inject({
      on: 'POST /containers/create',
      fault: () => {
        seen.push(
          ...registry.list({ scope: scope.name }),
          ...journalFacts().filter(({ fact }) => fact === 'registered'),
        );
        return undefined;
      },
    });
    const source = nextLine();
    const container = await scope.start(definition());
    rule.remove();
    const key = (await labelsOf(container))['castoff.start'];
    const owner = { scope: scope.name, source };
    expect(seen).toMatchObject([
      { key, kind: 'container', state: 'registered', owner },
      { fact: 'registered', key, kind: 'container', owner },
    ]);
    expect(seen[0]).not.toHaveProperty('id');
  });

  it('stands in the report by its name and its short id, with the line that started it', async () => {
    await using scope = openScope();
    const name = uniqueName();
    const source = nextLine();
    const container = await scope.start(definition().withName(name));
    const { ends } = await scope.close();
    const what = `container ${name} (${container.getId().slice(0, 12)})`;
    expect(ends).toMatchObject([{ what, source, result: { outcome: 'removed' } }]);
  });

  it('may be gone already when the scope closes', async () => {
    await using scope = openScope();
    const [stopped, removed] = [await scope.start(definition()), await scope.start(definition())];
    await stopped.stop();
    await docker.getContainer(removed.getId()).remove({ force: true });
    const { ends } = await scope.close();
    expect(ends.map(({ result }) => result?.outcome)).toEqual(['already-gone', 'already-gone']);
  });

  it('has labels of its own where its definition is started twice at once', async () => {
    await using scope = openScope();
    const one = definition();
    const lines = [nextLine()];
    const first = scope.start(one);
    lines.push(nextLine());
    const second = scope.start(one);
    const labels = await Promise.all((await Promise.all([first, second])).map(labelsOf));
    expect(labels.map((each) => each['castoff.source'])).toEqual(lines);
    expect(new Set(labels.map((each) => each['castoff.start'])).size).toBe(2);
  });

  it('leaves its definition free of our labels, for whoever starts it next', async () => {
    const one = definition();
    await using scope = openScope();
    await scope.start(one);
    await scope.close();
    const raw = await one.start();
    const labels = await labelsOf(raw);
    await raw.stop();
    expect(Object.values(labelNames).filter((name) => name in labels)).toEqual([]);
  });
});

/** A module, as others publish them. */
class EchoContainer extends GenericContainer {
  constructor() {
    super(specImage);
    this.withCommand(sleeper);
  }

  override async start(): Promise<StartedEchoContainer> {
    return new StartedEchoContainer(await super.start());
  }
}

class StartedEchoContainer extends AbstractStartedContainer {
  async echo(word: string): Promise<string> {
    return (await this.exec(['echo', word])).output.trim();
  }
}

describe('what else a scope starts', () => {
  it('is a module, which keeps its own type', async () => {
    await using scope = openScope();
    const echo: StartedEchoContainer = await scope.start(new EchoContainer());
    expect(echo).toBeInstanceOf(StartedEchoContainer);
    expect(await echo.echo('hello')).toBe('hello');
    await scope.close();
    expect(await exists('container', echo.getId())).toBe(false);
  });

  it('is a network, which is gone after the containers on it', async () => {
    await using scope = openScope();
    const network = await scope.start(new Network());
    const server = await scope.start(definition().withNetwork(network).withNetworkAliases('server'));
    const client = await scope.start(definition().withNetwork(network));
    expect((await client.exec(['ping', '-c1', 'server'])).output).toContain('1 packets received');
    const { ends } = await scope.close();
    expect(ends.map(({ result }) => [result?.kind, result?.id, result?.outcome])).toEqual([
      ['container', client.getId(), 'removed'],
      ['container', server.getId(), 'removed'],
      ['network', network.getId(), 'removed'],
    ]);
    expect(await exists('network', network.getId())).toBe(false);
    expect(await thingsOfThisFile()).toEqual([]);
  });

  it('is an image from a Dockerfile, which is gone with its container', async () => {
    await using scope = openScope();
    const source = nextLine();
    const container = await scope.start(GenericContainer.fromDockerfile(join(fixtures, 'image')));
    expect((await container.exec(['cat', '/built'])).output).toBe('built\n');
    const image = (await docker.getContainer(container.getId()).inspect()).Config.Image;
    expect(await thingsOfThisFile()).toContain(`image ${image}`);
    const { ends } = await scope.close();
    expect(ends.map((end) => [end.result?.kind, end.result?.outcome, end.source])).toEqual([
      ['container', 'removed', source],
      ['image', 'removed', source],
    ]);
    expect(await exists('container', container.getId())).toBe(false);
    expect(await exists('image', image)).toBe(false);
    expect(await thingsOfThisFile()).toEqual([]);
  });

  it('is a Compose environment, which is gone with its containers, networks and volumes', async () => {
    await using scope = openScope();
    const project = uniqueName();
    const environment = new DockerComposeEnvironment(join(fixtures, 'compose'), 'docker-compose.yml');
    await scope.start(environment.withProjectName(project).withClientOptions(await composeClient()));
    const filters = { label: [`com.docker.compose.project=${project}`] };
    const listAll = async (): Promise<readonly number[]> => {
      const containers = await docker.listContainers({ all: true, filters });
      const networks = await docker.listNetworks({ filters });
      const { Volumes } = await docker.listVolumes({ filters });
      return [containers.length, networks.length, Volumes.length];
    };
    expect(await listAll()).toEqual([2, 1, 1]);
    const { ends } = await scope.close();
    expect(await listAll()).toEqual([0, 0, 0]);
    expect(ends).toMatchObject([{ result: { kind: 'compose-project', id: project, outcome: 'removed' } }]);
  });
});

describe('containers that are to be removed', () => {
  it('go at once where they stand together, and a deferred function waits for those after it', async () => {
    await using scope = openScope();
    const early = await scope.start(definition());
    let thereAtFence: readonly boolean[] = [];
    const late: StartedTestContainer[] = [];
    scope.defer('fence', async () => {
      thereAtFence = await Promise.all(
        [early, ...late].map((container) => exists('container', container.getId())),
      );
    });
    late.push(...(await Promise.all([1, 2, 3].map(() => scope.start(definition())))));
    const asked = proxy.calls.length;
    const removals = () => proxy.calls.slice(asked).filter(({ method }) => method === 'DELETE');
    let together: readonly string[] = [];
    // The first removal reaches the engine only when the last has been asked for.
    const rule = proxy.inject({
      on: 'DELETE /containers/*',
      times: 3,
      fault: (_call, nth) => {
        if (nth === 3) together = removals().map(({ ended }) => ended ?? 'running');
        return { type: 'delay', ms: 200 };
      },
    });
    await scope.close();
    rule.remove();
    expect(rule.hits()).toBe(3);
    expect(together).toEqual(['running', 'running']);
    expect(thereAtFence).toEqual([true, false, false, false]);
    expect(await exists('container', early.getId())).toBe(false);
  });

  it('are reported by name and line where that cannot be, and stop nothing else', async () => {
    const scope = openScope('cannot be removed');
    const ended: string[] = [];
    scope.defer('last', () => void ended.push('last'));
    const [gone, source] = [await scope.start(definition()), nextLine()];
    const left = await scope.start(definition());
    const fault = { type: 'answer', status: 403, message: 'it is protected' } as const;
    const on = `DELETE /containers/${left.getId()}`;
    const rule = proxy.inject({ on, fault, times: Infinity });
    const error = (await rejectionOf(scope.close())) as CloseError;
    rule.remove();
    const name = left.getName().replace('/', '');
    const what = `container ${name} (${left.getId().slice(0, 12)})`;
    expect(error.message).toMatch(/^close scope cannot be removed: 1 of 3 did not end well$/m);
    expect(error.message).toContain(`  ${what} (${source}): remove container `);
    expect(error.message).toContain('403 it is protected');
    expect(error.errors).toMatchObject([{ code: 'CLEANUP_FAILED', evidence: { id: left.getId() } }]);
    expect(ended).toEqual(['last']);
    expect(await thingsOfThisFile()).toEqual([`container ${left.getName()} (running)`]);
    const { registry } = sessionIdentity();
    expect(registry.list({ scope: scope.name })).toMatchObject([
      { id: gone.getId(), state: 'gone' },
      { id: left.getId(), state: 'left' },
    ]);
    expect(journalFacts().at(-1)).toMatchObject({ fact: 'gone' });
  });
});
