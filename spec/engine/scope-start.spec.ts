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
import { openScope, type CloseError, type Scope } from '../../lib/index';
import { labelNames } from '../../lib/core/labels';
import { readJournal, type JournalLine } from '../../lib/registry/journal';
import { journalFolder, sessionIdentity } from '../../lib/registry/session-identity';
import { composeClient } from '../support/compose-client';
import { writeComposeFile } from '../support/compose-command';
import type { FaultProxy } from '../support/fault-proxy';
import { removeLeftovers } from '../support/leftovers';
import { rejectionOf } from '../support/rejection';
import { sleeper, specImage } from '../support/spec-image';
import { createIdleContainer, docker, exists, uniqueName } from '../support/things';
import { removeThingsOfThisFile, thingsOfThisFile } from '../support/things-of-file';
import { nextLine } from '../support/this-line';
import { openProxyForAll } from '../support/through-proxy';

let proxy: FaultProxy;

beforeAll(async () => {
  process.env['GITHUB_RUN_ID'] = 'run 7';
  proxy = await openProxyForAll();
});
afterAll(async () => {
  await proxy.close();
  // The journal names resources that the specs have removed themselves.
  await rm(journalFolder(sessionIdentity().id), { recursive: true, force: true });
});

const fixtures = join(__dirname, '../fixtures');
const definition = () => new GenericContainer(specImage).withCommand(sleeper).withNetworkMode('none');

async function labelsOf(container: StartedTestContainer): Promise<Record<string, string>> {
  return (await docker.getContainer(container.getId()).inspect()).Config.Labels;
}

function journalLines(): readonly JournalLine[] {
  return readJournal(join(journalFolder(sessionIdentity().id), `${process.pid}.jsonl`));
}

describe('a container started in a scope', () => {
  let scope: Scope;
  const name = uniqueName();
  const before = Date.now();
  const seen: unknown[] = [];
  let source: string;
  let container: StartedTestContainer;
  let labels: Readonly<Record<string, string>>;
  beforeAll(async () => {
    scope = openScope('orders', { test: 'orders are paid' });
    const { registry } = sessionIdentity();
    const rule = proxy.inject({
      on: 'POST /containers/create',
      fault: () => {
        seen.push(
          ...registry.list({ scope: scope.name }),
          ...journalLines().filter((line) => 'entry' in line),
        );
        return undefined;
      },
    });
    source = nextLine();
    container = await scope.start(definition().withName(name).withLabels({ mine: 'kept' }));
    rule.remove();
    labels = await labelsOf(container);
  });
  afterAll(() => removeThingsOfThisFile());

  it('is in the registry and the journal before it is created', () => {
    const { 'castoff.start': key } = labels;
    const owner = { scope: 'orders', source };
    expect(seen).toMatchObject([
      { key, kind: 'container', state: 'registered', owner },
      { entry: { key, kind: 'container', state: 'registered', owner } },
    ]);
    expect(seen[0]).not.toHaveProperty('id');
  });

  it('has labels for its scope, test, source line and owner', () => {
    expect(labels).toMatchObject({
      mine: 'kept',
      'castoff.session': sessionIdentity().id,
      'castoff.scope': 'orders',
      'castoff.test': 'orders are paid',
      'castoff.source': source,
      'castoff.host': hostname(),
      'castoff.boot': readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
      'castoff.pid': String(process.pid),
      // @see proc(5): field 22; counted after the command, which is in parentheses
      'castoff.pid-start': readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ')[19],
      'castoff.run': 'run 7',
    });
    expect(labels['castoff.start']).toMatch(/^[0-9a-f]{16}$/);
    expect(labels['castoff.created']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(Date.parse(labels['castoff.created'] ?? '')).toBeGreaterThanOrEqual(before);
    expect(Date.parse(labels['castoff.created'] ?? '')).toBeLessThanOrEqual(Date.now());
  });

  it('works like a container started by testcontainers', async () => {
    expect(await container.exec(['echo', 'hello'])).toMatchObject({ exitCode: 0, output: 'hello\n' });
  });

  it('is removed when the scope closes, and reported by its name, short id and line', async () => {
    const { ends } = await scope.close();
    expect(await exists('container', container.getId())).toBe(false);
    const what = `container ${name} (${container.getId().slice(0, 12)})`;
    const result = { kind: 'container', outcome: 'removed', attempts: 1 };
    expect(ends).toMatchObject([{ what, source, result }]);
    expect(await thingsOfThisFile()).toEqual([]);
  });
});

describe('a definition started twice concurrently in a scope', () => {
  let scope: Scope;
  const one = definition();
  let started: readonly StartedTestContainer[];
  const lines: string[] = [];
  beforeAll(async () => {
    scope = openScope();
    lines.push(nextLine());
    const first = scope.start(one);
    lines.push(nextLine());
    const second = scope.start(one);
    started = await Promise.all([first, second]);
  });
  afterAll(() => removeThingsOfThisFile());

  it('gives each container its own labels', async () => {
    const labels = await Promise.all(started.map(labelsOf));
    expect(labels.map((each) => each['castoff.source'])).toEqual(lines);
    expect(new Set(labels.map((each) => each['castoff.start'])).size).toBe(2);
  });

  it('has the outcome already-gone for containers removed before the scope closes', async () => {
    await started[0]?.stop();
    await docker.getContainer(started[1]?.getId() ?? '').remove({ force: true });
    const { ends } = await scope.close();
    expect(ends.map(({ result }) => result?.outcome)).toEqual(['already-gone', 'already-gone']);
  });

  it("has none of castoff's labels afterwards", async () => {
    const raw = await one.start();
    const labels = await labelsOf(raw);
    await raw.stop();
    expect(Object.values(labelNames).filter((name) => name in labels)).toEqual([]);
  });
});

/** Like a published module of testcontainers. */
class EchoContainer extends GenericContainer {
  constructor() {
    super(specImage);
    this.withCommand(sleeper).withNetworkMode('none');
  }

  override async start(): Promise<StartedEchoContainer> {
    return new StartedEchoContainer(await super.start());
  }
}

class StartedEchoContainer extends AbstractStartedContainer {
  async echo(text: string): Promise<string> {
    return (await this.exec(['echo', text])).output.trim();
  }
}

describe('scope.start', () => {
  afterEach(() => removeThingsOfThisFile());

  it('returns a module with its own type', async () => {
    await using scope = openScope();
    const echo: StartedEchoContainer = await scope.start(new EchoContainer());
    expect(echo).toBeInstanceOf(StartedEchoContainer);
    expect(await echo.echo('hello')).toBe('hello');
    await scope.close();
    expect(await exists('container', echo.getId())).toBe(false);
  });

  it('starts a network, which is removed after its containers', async () => {
    await using scope = openScope();
    const network = await scope.start(new Network());
    const container = () => new GenericContainer(specImage).withCommand(sleeper).withNetwork(network);
    const server = await scope.start(container().withNetworkAliases('server'));
    const client = await scope.start(container());
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

  it('builds an image from a Dockerfile, and removes it with its container', async () => {
    await using scope = openScope();
    // Without the cache: other spec files remove the layers that they would share.
    const builder = GenericContainer.fromDockerfile(join(fixtures, 'image')).withCache(false);
    const source = nextLine();
    const container = await scope.start(builder);
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

  it('starts a Compose environment, and removes its containers, networks and volumes', async () => {
    await using scope = openScope();
    const project = uniqueName();
    const web = { image: specImage, stop_signal: 'SIGKILL', volumes: ['data:/data'] };
    await using file = await writeComposeFile({ version: '3.5', services: { web }, volumes: { data: {} } });
    const environment = new DockerComposeEnvironment(file.folder, 'docker-compose.yml');
    await scope.start(environment.withProjectName(project).withClientOptions(await composeClient()));
    const filters = { label: [`com.docker.compose.project=${project}`] };
    const listAll = async (): Promise<readonly number[]> => {
      const containers = await docker.listContainers({ all: true, filters });
      const networks = await docker.listNetworks({ filters });
      const { Volumes } = await docker.listVolumes({ filters });
      return [containers.length, networks.length, Volumes.length];
    };
    expect(await listAll()).toEqual([1, 1, 1]);
    const { ends } = await scope.close();
    expect(await listAll()).toEqual([0, 0, 0]);
    expect(ends).toMatchObject([{ result: { kind: 'compose-project', id: project, outcome: 'removed' } }]);
  });
});

describe('a closing scope', () => {
  afterEach(async () => {
    await removeThingsOfThisFile();
    await removeLeftovers();
  });

  it('removes neighbouring containers in parallel, before a function deferred earlier runs', async () => {
    await using scope = openScope();
    const early = await createIdleContainer();
    await scope.adopt(early);
    let atDefer: readonly boolean[] = [];
    const late: string[] = [];
    scope.defer('check', async () => {
      atDefer = await Promise.all([early, ...late].map((id) => exists('container', id)));
    });
    late.push((await scope.start(definition())).getId());
    late.push(await createIdleContainer(), await createIdleContainer());
    for (const id of late.slice(1)) await scope.adopt(id);
    const asked = proxy.calls.length;
    const removals = () => proxy.calls.slice(asked).filter(({ method }) => method === 'DELETE');
    let together: readonly string[] = [];
    // Holds each removal until the last request has arrived.
    const { promise: allArrived, resolve: release } = Promise.withResolvers<void>();
    const rule = proxy.inject({
      on: 'DELETE /containers/*',
      times: 3,
      fault: (_call, nth) => {
        if (nth === 3) {
          together = removals().map(({ ended }) => ended ?? 'running');
          release();
        }
        return { type: 'hold', until: allArrived };
      },
    });
    await scope.close();
    rule.remove();
    expect(rule.hits()).toBe(3);
    expect(together).toEqual(['running', 'running']);
    expect(atDefer).toEqual([true, false, false, false]);
    expect(await exists('container', early)).toBe(false);
  });

  it('reports a container that cannot be removed by name and line, and ends everything else', async () => {
    const scope = openScope('cannot be removed');
    const ended: string[] = [];
    scope.defer('last', () => void ended.push('last'));
    const gone = await createIdleContainer();
    await scope.adopt(gone);
    const source = nextLine();
    const left = await scope.start(definition());
    const fault = { type: 'answer', status: 403, message: 'it is protected' } as const;
    const on = `DELETE /containers/${left.getId()}`;
    const rule = proxy.inject({ on, fault, times: Infinity });
    const error = (await rejectionOf(scope.close())) as CloseError;
    rule.remove();
    const name = left.getName().replace('/', '');
    const what = `container ${name} (${left.getId().slice(0, 12)})`;
    expect(error.message).toMatch(/^close scope cannot be removed: 1 of 3 items failed$/m);
    expect(error.message).toContain(`  ${what} (${source}): remove container `);
    expect(error.message).toContain('403 it is protected');
    expect(error.errors).toMatchObject([{ code: 'CLEANUP_FAILED', evidence: { id: left.getId() } }]);
    expect(ended).toEqual(['last']);
    expect(await thingsOfThisFile()).toEqual([`container ${left.getName()} (running)`]);
    const { registry } = sessionIdentity();
    expect(registry.list({ scope: scope.name })).toMatchObject([
      { id: gone, state: 'gone' },
      { id: left.getId(), state: 'left' },
    ]);
    expect(journalLines().at(-1)).toMatchObject({ entry: { state: 'gone' } });
  });
});
