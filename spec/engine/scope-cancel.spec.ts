import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { DockerComposeEnvironment, GenericContainer, Network, Wait } from 'testcontainers';
import { openScope, type CloseError, type Scope, type StartError } from '../../lib/index';
import type { RegistryEntry } from '../../lib/registry/entry';
import { journalFolder, sessionIdentity } from '../../lib/registry/session-identity';
import { composeClient } from '../support/compose-client';
import { openFaultProxy, type FaultProxy } from '../support/fault-proxy';
import { rejectionOf } from '../support/rejection';
import { sleeper, specImage } from '../support/spec-image';
import { docker, uniqueName } from '../support/things';
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
  await removeThingsOfThisFile();
});
afterAll(() => proxy.close());

const definition = () => new GenericContainer(specImage).withCommand(sleeper).withNetworkMode('none');
const neverReady = () =>
  new GenericContainer(specImage)
    .withCommand(['sh', '-c', 'echo I am up; sleep 600'])
    .withNetworkMode('none')
    .withWaitStrategy(Wait.forLogMessage('never said'));

function entriesOf(scope: Scope): readonly RegistryEntry[] {
  return sessionIdentity().registry.list({ scope: scope.name });
}

function hasJournal(): boolean {
  return existsSync(join(journalFolder(sessionIdentity().id), `${process.pid}.jsonl`));
}

async function isUp(scope: Scope): Promise<boolean> {
  const filters = { label: [`castoff.session=${sessionIdentity().id}`, `castoff.scope=${scope.name}`] };
  const [container] = await docker.listContainers({ filters });
  if (container === undefined) return false;
  const output = await docker.getContainer(container.Id).logs({ stdout: true });
  return output.toString().includes('I am up');
}

const reason = new Error('no longer wanted');

describe('an aborted start', () => {
  it('creates nothing when the signal is already aborted', async () => {
    await using scope = openScope('aborted before', { signal: AbortSignal.abort(reason) });
    const asked = proxy.calls.length;
    const error = await rejectionOf(scope.start(definition()));
    expect(error).toMatchObject({ code: 'START_FAILED', cause: reason });
    expect(proxy.calls.slice(asked)).toEqual([]);
    expect(entriesOf(scope)).toEqual([]);
  });

  it('creates nothing when aborted while the engine is connected', async () => {
    await using ours = await openFaultProxy();
    const user = new AbortController();
    await using scope = openScope('aborted connect', { signal: user.signal, engine: ours.address });
    const held = ours.hold('* /_ping');
    const before = proxy.calls.length;
    const starting = rejectionOf(scope.start(definition()));
    await held.arrived();
    user.abort(reason);
    held.release();
    expect(await starting).toMatchObject({ code: 'START_FAILED', cause: reason });
    await scope.close();
    expect(proxy.calls.slice(before)).toEqual([]);
    expect(entriesOf(scope)).toEqual([]);
  });

  it('creates nothing when aborted while its image is pulled', async () => {
    const user = new AbortController();
    await using scope = openScope('aborted pull', { signal: user.signal });
    const fault = { type: 'answer', status: 404, message: 'manifest unknown' } as const;
    const held = proxy.hold('POST /images/create');
    proxy.inject({ on: 'POST /images/create', fault, times: Infinity });
    const starting = rejectionOf(scope.start(new GenericContainer('localhost:1/castoff-spec/missing:1')));
    await held.arrived();
    user.abort(reason);
    expect(await starting).toMatchObject({ code: 'START_FAILED', cause: reason });
    held.release();
    await scope.close();
    expect(await thingsOfThisFile()).toEqual([]);
  });

  it('rejects at once when aborted while the container is created, which is recorded as gone only after its removal', async () => {
    const user = new AbortController();
    await using scope = openScope('aborted create', { signal: user.signal });
    const held = proxy.hold('POST /containers/create');
    const starting = rejectionOf(scope.start(definition()));
    await held.arrived();
    user.abort(reason);
    expect(await starting).toMatchObject({ code: 'START_FAILED', cause: reason });
    expect(await thingsOfThisFile()).toEqual([]);
    expect(entriesOf(scope)).not.toMatchObject([{ state: 'gone' }]);
    expect(hasJournal()).toBe(true);
    held.release();

    await scope.close();
    expect(await thingsOfThisFile()).toEqual([]);
    expect(entriesOf(scope)).toMatchObject([{ state: 'gone', outcome: 'removed' }]);
    expect(hasJournal()).toBe(false);
  });

  it('removes the container when aborted while it is started', async () => {
    const user = new AbortController();
    await using scope = openScope('aborted start', { signal: user.signal });
    const held = proxy.hold('POST /containers/*/start');
    const starting = rejectionOf(scope.start(definition()));
    await held.arrived();
    user.abort(reason);
    expect(await starting).toMatchObject({ code: 'START_FAILED', cause: reason });
    expect(await thingsOfThisFile()).toEqual([]);
    held.release();
    await scope.close();
    expect(entriesOf(scope)).toMatchObject([{ state: 'gone', outcome: 'removed' }]);
  });

  it('removes only its own container when aborted during the readiness check, and reports its output', async () => {
    const user = new AbortController();
    await using other = openScope('other');
    const kept = `container ${(await other.start(definition())).getName()} (running)`;
    await using scope = openScope('aborted wait', { signal: user.signal });
    const { registry } = sessionIdentity();
    const states: string[] = [];
    registry.on('change', ({ entry }) => states.push(entry.state));
    const starting = rejectionOf(scope.start(neverReady()));
    await until(() => isUp(scope));
    user.abort(reason);
    const error = (await starting) as StartError;
    expect(error).toMatchObject({ code: 'START_FAILED', cause: reason });
    expect(error.message).toMatch(/^ {4}\| I am up$/m);
    expect(error.postMortems).toHaveLength(1);
    expect(await thingsOfThisFile()).toEqual([kept]);
    await scope.close();
    expect(await thingsOfThisFile()).toEqual([kept]);
    registry.removeAllListeners('change');
    expect(entriesOf(scope)).toMatchObject([{ state: 'gone', outcome: 'removed' }]);
    expect(states.slice(states.indexOf('gone'))).not.toContain('present');
  });

  it('rejects with DEADLINE_EXCEEDED as the cause when the scope times out', async () => {
    await using scope = openScope('too slow', { timeoutMs: 700 });
    const error = await rejectionOf(scope.start(neverReady()));
    expect(error).toMatchObject({
      code: 'START_FAILED',
      cause: { code: 'DEADLINE_EXCEEDED', what: 'scope too slow', timeoutMs: 700 },
    });
    expect(await thingsOfThisFile()).toEqual([]);
    expect(await scope.close()).toMatchObject({ reason: 'deadline' });
  });

  it('removes the network when aborted while it is created', async () => {
    const user = new AbortController();
    await using scope = openScope('aborted network', { signal: user.signal });
    const held = proxy.hold('POST /networks/create');
    const starting = rejectionOf(scope.start(new Network()));
    await held.arrived();
    user.abort(reason);
    await starting;
    held.release();
    await scope.close();
    expect(await thingsOfThisFile()).toEqual([]);
    expect(entriesOf(scope)).toMatchObject([{ kind: 'network', state: 'gone', outcome: 'removed' }]);
  });

  it('removes a Compose project when aborted during the readiness check, and reports its containers', async () => {
    const user = new AbortController();
    await using scope = openScope('aborted project', { signal: user.signal });
    const project = uniqueName();
    const filters = { label: [`com.docker.compose.project=${project}`] };
    const environment = new DockerComposeEnvironment(
      join(__dirname, '../fixtures/compose'),
      'docker-compose.yml',
    )
      .withProjectName(project)
      .withClientOptions(await composeClient())
      .withDefaultWaitStrategy(Wait.forLogMessage('never said'));
    const starting = rejectionOf(scope.start(environment));
    await until(async () => (await docker.listContainers({ filters })).length === 2);
    user.abort(reason);
    const error = (await starting) as StartError;
    expect(error).toMatchObject({ code: 'START_FAILED', cause: reason });
    expect(error.message.match(/^container \S+ of castoff-spec\/busybox:1: running$/gm)).toHaveLength(2);
    await scope.close();
    expect(await docker.listContainers({ all: true, filters })).toEqual([]);
    expect(await docker.listNetworks({ filters })).toEqual([]);
    expect((await docker.listVolumes({ filters })).Volumes).toEqual([]);
    expect(entriesOf(scope)).toMatchObject([{ kind: 'compose-project', state: 'gone', outcome: 'removed' }]);
  });
});

describe('a scope that closes during a start', () => {
  it.each([
    ['created', 'POST /containers/create'],
    ['started', 'POST /containers/*/start'],
    ['inspected', 'GET /containers/*/json'],
  ])('waits for a container that is being %s, and removes it', async (_what, on) => {
    const scope = openScope(`closed during ${on}`);
    const held = proxy.hold(on);
    const starting = rejectionOf(scope.start(definition()));
    await held.arrived();
    const closing = scope.close();
    held.release();
    const report = await closing;
    expect(await thingsOfThisFile()).toEqual([]);
    expect(report).toMatchObject({ reason: 'done' });
    expect(await starting).toMatchObject({ code: 'START_FAILED', cause: { code: 'SCOPE_CLOSED' } });
    expect(entriesOf(scope)).toMatchObject([{ state: 'gone', outcome: 'removed' }]);
    expect(hasJournal()).toBe(false);
  });

  it('does not wait for the readiness check', async () => {
    const scope = openScope('closed during wait');
    const starting = rejectionOf(scope.start(neverReady()));
    await until(() => isUp(scope));
    await scope.close();
    expect(await thingsOfThisFile()).toEqual([]);
    const error = (await starting) as StartError;
    expect(error).toMatchObject({ code: 'START_FAILED', cause: { code: 'SCOPE_CLOSED' } });
    expect(error.message.match(/\| I am up/g)).toHaveLength(1);
  });

  it('names a start that does not finish, and removes the container that it creates later', async () => {
    const [started, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    class Endless extends GenericContainer {
      protected override readonly beforeContainerCreated = (): Promise<void> => {
        started.resolve();
        return gate.promise;
      };
    }
    const scope = openScope('closed during an endless start', { cleanupTimeoutMs: 1_500 });
    const endless = new Endless(specImage).withCommand(sleeper).withNetworkMode('none');
    const source = nextLine();
    const starting = rejectionOf(scope.start(endless));
    await started.promise;
    const error = (await rejectionOf(scope.close())) as CloseError;
    await starting;
    expect(error.errors).toMatchObject([{ code: 'DEADLINE_EXCEEDED', timeoutMs: 1_500 }]);
    expect(error.message).toContain(
      `Endless (${source}): wait for the start of Endless to finish: timed out after 1.5 s`,
    );
    expect(entriesOf(scope)).toMatchObject([{ state: 'left' }]);
    expect(hasJournal()).toBe(true);
    gate.resolve();
    expect(await until(() => entriesOf(scope)[0]?.state === 'gone')).toBe(true);
    expect(entriesOf(scope)).toMatchObject([{ outcome: 'removed' }]);
    expect(await thingsOfThisFile()).toEqual([]);
  });
});
