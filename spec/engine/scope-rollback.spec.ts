import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { DockerComposeEnvironment, GenericContainer, Network, Wait } from 'testcontainers';
import { openScope, type CloseError, type StartError } from '../../lib/index';
import type { EntryState, RegistryEntry } from '../../lib/registry/entry';
import { journalFolder, sessionIdentity } from '../../lib/registry/session-identity';
import { composeClient } from '../support/compose-client';
import type { Call } from '../support/fault-calls';
import type { FaultProxy } from '../support/fault-proxy';
import { removeLeftovers } from '../support/leftovers';
import { rejectionOf } from '../support/rejection';
import { sleeper, specImage } from '../support/spec-image';
import { isLong } from '../support/spec-size';
import { docker, exists, specLabel, uniqueName } from '../support/things';
import { removeThingsOfThisFile, thingsOfThisFile } from '../support/things-of-file';
import { nextLine } from '../support/this-line';
import { openProxyForAll } from '../support/through-proxy';
import { until } from '../support/until';

let proxy: FaultProxy;

beforeAll(async () => {
  proxy = await openProxyForAll();
  await thingsOfThisFile();
});
afterEach(async () => {
  proxy.removeRules();
  sessionIdentity().registry.removeAllListeners('change');
  await removeThingsOfThisFile();
  await removeLeftovers();
});
afterAll(async () => {
  await proxy.close();
  // The journal names resources that the specs have removed themselves.
  await rm(journalFolder(sessionIdentity().id), { recursive: true, force: true });
});

const definition = (image = specImage) =>
  new GenericContainer(image).withCommand(sleeper).withNetworkMode('none');

/** A container that logs a line and keeps running. */
const logging = () =>
  new GenericContainer(specImage)
    .withCommand(['sh', '-c', 'echo I am up; echo and warn >&2; sleep 600'])
    .withNetworkMode('none')
    .withWaitStrategy(Wait.forLogMessage('I am up'));

/** Makes the next call that matches fail with a 500. */
function fail(on: string): void {
  proxy.inject({ on, fault: { type: 'answer', status: 500, message: 'fault on purpose' } });
}

function entriesOf(scope: { readonly name: string }): readonly RegistryEntry[] {
  return sessionIdentity().registry.list({ scope: scope.name });
}

/** Collects the states that the registry reports from now on. */
function statesIn(scope: { readonly name: string }): readonly EntryState[] {
  const states: EntryState[] = [];
  sessionIdentity().registry.on('change', ({ entry }) => {
    if (entry.owner.scope === scope.name) states.push(entry.state);
  });
  return states;
}

function hasJournal(): boolean {
  return existsSync(join(journalFolder(sessionIdentity().id), `${process.pid}.jsonl`));
}

class FailsInHook extends GenericContainer {
  constructor() {
    super(specImage);
    this.withCommand(['sh', '-c', 'echo I am up; echo and warn >&2; sleep 600']);
    this.withWaitStrategy(Wait.forLogMessage('I am up'));
  }

  protected override async containerStarted(): Promise<void> {
    throw new Error('the hook throws');
  }
}

class FailsAfterStart extends FailsInHook {
  protected override async containerStarted(): Promise<void> {}

  override async start(): Promise<never> {
    await super.start();
    throw new Error('the module throws');
  }
}

interface FailingStep {
  readonly step: string;
  readonly startable: () => GenericContainer | Promise<GenericContainer>;
  /** Matches the original error. */
  readonly cause: RegExp;
  /** Matches the post-mortem in the message; `undefined` when no container was created. */
  readonly postMortem?: readonly RegExp[];
  readonly outcome: 'never-created' | 'removed' | 'removed-elsewhere';
  /** Similar to another step, and only in full runs: the start rejects while its container runs. */
  readonly isSecond?: true;
}

const failingSteps: readonly FailingStep[] = [
  {
    step: 'the image is missing',
    startable: () => {
      const fault = { type: 'answer', status: 404, message: 'manifest unknown' } as const;
      proxy.inject({ on: 'POST /images/create', fault });
      return definition('castoff-spec/missing:1');
    },
    cause: /manifest unknown/,
    outcome: 'never-created',
  },
  {
    step: 'the container cannot be created',
    startable: () => {
      fail('POST /containers/create');
      return definition();
    },
    cause: /fault on purpose/,
    outcome: 'never-created',
  },
  {
    step: 'the response to the creation of the container is lost',
    startable: () => {
      proxy.inject({ on: 'POST /containers/create', fault: { type: 'lose-answer' } });
      return definition();
    },
    cause: /socket hang up|ECONNRESET/,
    postMortem: [/^container \S+ of castoff-spec\/busybox:1: created$/m, /no output/],
    outcome: 'removed',
  },
  {
    step: 'the container cannot be connected to its network',
    startable: () => {
      fail('POST /networks/*/connect');
      return definition().withNetworkMode('bridge').withNetworkAliases('db');
    },
    cause: /fault on purpose/,
    postMortem: [/: created$/m],
    outcome: 'removed',
  },
  {
    step: 'a file cannot be copied into the container',
    startable: () => {
      fail('PUT /containers/*/archive');
      return definition().withCopyContentToContainer([{ content: 'hello', target: '/hello' }]);
    },
    cause: /fault on purpose/,
    postMortem: [/: created$/m],
    outcome: 'removed',
  },
  {
    step: 'the container cannot be started',
    startable: () => {
      fail('POST /containers/*/start');
      return definition();
    },
    cause: /fault on purpose/,
    postMortem: [/: created$/m],
    outcome: 'removed',
  },
  {
    step: 'the command of the container does not exist',
    startable: () => new GenericContainer(specImage).withCommand(['no-such-command']).withNetworkMode('none'),
    cause: /no-such-command.*executable file not found/,
    postMortem: [/: created, exit code 127$|: created$/m, /engine: .*no-such-command/],
    outcome: 'removed',
  },
  {
    step: 'its ports cannot be inspected',
    startable: () => {
      fail('GET /containers/*/json');
      return definition();
    },
    cause: /fault on purpose/,
    postMortem: [/: running$/m],
    outcome: 'removed',
    isSecond: true,
  },
  {
    step: 'it does not become ready in time',
    startable: () => logging().withWaitStrategy(Wait.forLogMessage('ready')).withStartupTimeout(500),
    cause: /"ready" not received after 500ms/,
    postMortem: [/: running$/m, /^ {4}\| I am up$/m, /^ {4}! and warn$/m],
    outcome: 'removed-elsewhere',
  },
  {
    step: 'it does not become ready in time, and testcontainers cannot stop it',
    startable: () => {
      fail('POST /containers/*/stop');
      return logging().withWaitStrategy(Wait.forLogMessage('ready')).withStartupTimeout(500);
    },
    cause: /"ready" not received after 500ms/,
    postMortem: [/: running$/m, /^ {4}\| I am up$/m, /^ {4}! and warn$/m],
    outcome: 'removed',
  },
  {
    step: 'it exits at once',
    startable: () =>
      new GenericContainer(specImage)
        .withCommand(['sh', '-c', 'echo I am dying >&2; exit 3'])
        .withNetworkMode('none')
        .withWaitStrategy(Wait.forLogMessage('ready')),
    cause: /Log stream ended/,
    postMortem: [/: exited, exit code 3$/m, /^ {4}! I am dying$/m],
    outcome: 'removed-elsewhere',
  },
  {
    step: 'a hook of its module throws',
    startable: () => new FailsInHook(),
    cause: /^the hook throws$/,
    postMortem: [/: running$/m, /^ {4}\| I am up$/m, /^ {4}! and warn$/m],
    outcome: 'removed',
  },
  {
    step: 'its module throws after it has started',
    startable: () => new FailsAfterStart(),
    cause: /^the module throws$/,
    postMortem: [/: running$/m, /^ {4}\| I am up$/m],
    outcome: 'removed',
    isSecond: true,
  },
];

describe('a failed start', () => {
  const steps = failingSteps.filter(({ isSecond }) => isLong || isSecond === undefined);
  it.each(steps.map((row) => [row.step, row] as const))(
    'is rolled back, and reports the cause, when %s',
    async (_step, row) => {
      await using scope = openScope(row.step);
      const states = statesIn(scope);
      const startable = await row.startable();
      const source = nextLine();
      const error = (await rejectionOf(scope.start(startable))) as StartError;
      expect(await thingsOfThisFile()).toEqual([]);

      expect(error).toMatchObject({
        code: 'START_FAILED',
        cause: { message: expect.stringMatching(row.cause) },
      });
      expect(error.errors).toBeUndefined();
      const [firstLine, ...rest] = error.message.split('\n');
      expect(firstLine).toMatch(new RegExp(`^start ${startable.constructor.name} \\(${source}\\): `));
      expect(firstLine).toMatch(new RegExp(row.cause.source.replace(/^\^/, '')));
      for (const pattern of row.postMortem ?? []) expect(rest.join('\n')).toMatch(pattern);
      expect(error.postMortems).toHaveLength(row.postMortem === undefined ? 0 : 1);

      expect(entriesOf(scope)).toMatchObject([{ state: 'gone', outcome: row.outcome }]);
      expect(hasJournal()).toBe(false);
      expect(await scope.close()).toMatchObject({ ends: [] });
      expect(entriesOf(scope)).toMatchObject([{ state: 'gone', outcome: row.outcome }]);
      expect(states).toEqual([...new Set(states)]);
      expect([states.at(0), states.at(-1)]).toEqual(['registered', 'gone']);
    },
  );

  it('does not remove the container that already has its name', async () => {
    await using scope = openScope('name conflict');
    const name = uniqueName();
    const { id: other } = await docker.createContainer({ name, Image: specImage, Labels: specLabel });
    const error = await rejectionOf(scope.start(definition().withName(name)));
    await scope.close();
    expect(error).toMatchObject({ code: 'START_FAILED', cause: { statusCode: 409 }, postMortems: [] });
    expect(await exists('container', other)).toBe(true);
    expect(entriesOf(scope)).toMatchObject([{ state: 'gone', outcome: 'never-created' }]);
  });

  it('is rolled back when start() returns an object without an id', async () => {
    class Nameless extends GenericContainer {
      override async start(): Promise<never> {
        await super.start();
        return { stop: () => undefined } as never;
      }
    }
    await using scope = openScope('nameless');
    const error = await rejectionOf(scope.start(new Nameless(specImage).withCommand(sleeper)));
    expect(error).toMatchObject({ code: 'START_FAILED', cause: { code: 'CONFIG_INVALID' } });
    expect(await thingsOfThisFile()).toEqual([]);
    await scope.close();
  });

  it('is rolled back when start() returns nothing', async () => {
    class Silent extends GenericContainer {
      override async start(): Promise<never> {
        await super.start();
        return undefined as never;
      }
    }
    await using scope = openScope('silent');
    const error = await rejectionOf(scope.start(new Silent(specImage).withCommand(sleeper)));
    expect(error).toMatchObject({
      code: 'START_FAILED',
      cause: { code: 'CONFIG_INVALID', message: expect.stringContaining('start() returned nothing') },
    });
    expect(await thingsOfThisFile()).toEqual([]);
  });

  it('is rolled back when the response to the creation of a network is lost', async () => {
    await using scope = openScope('network');
    proxy.inject({ on: 'POST /networks/create', fault: { type: 'lose-answer' } });
    const error = await rejectionOf(scope.start(new Network()));
    expect(error).toMatchObject({
      code: 'START_FAILED',
      cause: { message: expect.stringMatching(/hang up|RESET/) },
    });
    expect(await thingsOfThisFile()).toEqual([]);
    expect(entriesOf(scope)).toMatchObject([{ kind: 'network', state: 'gone', outcome: 'removed' }]);
  });

  it('is rolled back when a service of a Compose environment does not become ready', async () => {
    await using scope = openScope('compose');
    const project = uniqueName();
    const folder = join(__dirname, '../fixtures/compose');
    const environment = new DockerComposeEnvironment(folder, 'docker-compose.yml')
      .withProjectName(project)
      .withClientOptions(await composeClient())
      .withDefaultWaitStrategy(Wait.forLogMessage('ready').withStartupTimeout(200));
    const error = await rejectionOf(scope.start(environment));
    const filters = { label: [`com.docker.compose.project=${project}`] };
    expect(error).toMatchObject({
      code: 'START_FAILED',
      cause: { message: expect.stringContaining('"ready"') },
      // Captured before testcontainers removed it.
      postMortems: expect.arrayContaining([
        expect.objectContaining({ name: expect.stringContaining(project), status: 'running' }),
      ]),
    });
    expect(entriesOf(scope)).toMatchObject([{ kind: 'compose-project', state: 'gone' }]);
    expect(await docker.listContainers({ all: true, filters })).toEqual([]);
    expect(await docker.listNetworks({ filters })).toEqual([]);
    expect((await docker.listVolumes({ filters })).Volumes).toEqual([]);
  });
});

describe('a failed start of a Compose environment', () => {
  it('reports the output of a service in a crash loop, and that its container existed', async () => {
    await using scope = openScope('crash loop');
    const project = uniqueName();
    const command = ['sh', '-c', 'echo cannot reach the broker; exit 3'];
    // Removes the unready service, as Compose does, and testcontainers after a failed start.
    const environment = {
      projectName: project,
      async up() {
        const worker = await docker.createContainer({
          Image: specImage,
          Cmd: command,
          HostConfig: { NetworkMode: 'none', RestartPolicy: { Name: 'always' } },
          Labels: {
            'com.docker.compose.project': project,
            'com.docker.compose.service': 'worker',
            'com.docker.compose.container-number': '1',
            'com.docker.compose.oneoff': 'False',
          },
        });
        await worker.start();
        // The engine may write the output a moment after the exit: the logs of a later crash have it for sure.
        const hasReadLogs = ({ path, ended }: Call): boolean =>
          path.includes(`/containers/${worker.id}/logs`) && ended !== undefined;
        await until(() => proxy.calls.filter(hasReadLogs).length >= 3);
        await worker.remove({ force: true });
        throw new Error('not ready');
      },
    };
    expect(await rejectionOf(scope.start(environment))).toMatchObject({
      code: 'START_FAILED',
      message: expect.stringContaining('| cannot reach the broker'),
      postMortems: [{ exitCode: 3, logLines: expect.anything() }],
    });
    expect(entriesOf(scope)).toMatchObject([
      { kind: 'compose-project', state: 'gone', outcome: 'removed-elsewhere' },
    ]);
  });
});

describe('a failed start that cannot be rolled back', () => {
  it('reports both errors; the close of the scope retries and reports the rollback', async () => {
    const scope = openScope('stuck', { cleanupTimeoutMs: 3_000 });
    fail('POST /containers/*/start');
    const stuck = { type: 'answer', status: 500, message: 'driver is busy' } as const;
    const removals = proxy.inject({ on: 'DELETE /containers/*', fault: stuck, times: Infinity });
    const source = nextLine();
    const error = (await rejectionOf(scope.start(definition()))) as StartError;
    expect(error.errors).toMatchObject([
      { message: expect.stringContaining('fault on purpose') },
      { code: 'CLEANUP_FAILED' },
    ]);
    expect(inspect(error.errors?.[1], { depth: Infinity })).toContain('500 driver is busy');
    expect(error.cause).toBe(error.errors?.[0]);
    expect(error.message).toMatch(/^not rolled back: /m);
    expect(entriesOf(scope)).toMatchObject([{ state: 'left' }]);
    expect(hasJournal()).toBe(true);

    const before = removals.hits();
    const closeError = (await rejectionOf(scope.close())) as CloseError;
    expect(removals.hits()).toBeGreaterThan(before);
    expect(closeError).toMatchObject({
      code: 'CLEANUP_FAILED',
      report: { ends: [{ what: 'GenericContainer', source }] },
      errors: [{ code: 'CLEANUP_FAILED' }],
    });
    expect(inspect(closeError, { depth: Infinity })).toContain('500 driver is busy');
    expect(entriesOf(scope)).toMatchObject([{ state: 'left' }]);
    expect(hasJournal()).toBe(true);
    expect(await thingsOfThisFile()).toHaveLength(1);
  });

  it('is rolled back by the close of the scope when the engine allows it by then', async () => {
    await using scope = openScope('protected for a while');
    fail('POST /containers/*/start');
    const refusal = { type: 'answer', status: 403, message: 'it is protected' } as const;
    const removals = proxy.inject({ on: 'DELETE /containers/*', fault: refusal, times: Infinity });
    expect(await rejectionOf(scope.start(definition()))).toMatchObject({ code: 'START_FAILED' });
    expect(await thingsOfThisFile()).toHaveLength(1);
    removals.remove();
    await scope.close();
    expect(await thingsOfThisFile()).toEqual([]);
    expect(entriesOf(scope)).toMatchObject([{ state: 'gone', outcome: 'removed' }]);
  });
});
