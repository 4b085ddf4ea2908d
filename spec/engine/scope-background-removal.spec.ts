import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { GenericContainer, Network } from 'testcontainers';
import { openScope, type FinalizerEnd, type Scope } from '../../lib/index';
import { sessionIdentity } from '../../lib/registry/session-identity';
import type { BackgroundRemoval } from '../../lib/scope/background-removal';
import { currentStart, type StartContext } from '../../lib/scope/start-context';
import { removeLeftovers, removeMarkers } from '../support/leftovers';
import { rejectionOf } from '../support/rejection';
import { sleeper, specImage } from '../support/spec-image';
import { createIdleContainer, createThing, docker, exists } from '../support/things';
import { removeThingsOfThisFile, thingsOfThisFile } from '../support/things-of-file';
import { nextLine } from '../support/this-line';

afterEach(() => removeThingsOfThisFile());
afterAll(() => removeLeftovers());

const definition = () => new GenericContainer(specImage).withCommand(sleeper).withNetworkMode('none');
const entryOf = (key: string) =>
  sessionIdentity()
    .registry.list()
    .find((entry) => entry.key === key);

/** Closes `scope`, and keeps what it hands over. */
async function closeHandingOver(scope: Scope, shouldAwait?: () => boolean) {
  const handedOver: BackgroundRemoval[] = [];
  const report = await scope.close({
    onBackgroundRemoval: (removal) => void handedOver.push(removal),
    shouldAwait,
  });
  return { handedOver, report };
}

async function ended(handedOver: readonly BackgroundRemoval[]): Promise<readonly FinalizerEnd[]> {
  return Promise.all(handedOver.map(({ done }) => done));
}

describe('a scope that hands its last removals over', () => {
  it('is closed before they have ended, and tells what they are', async () => {
    const scope = openScope('orders');
    const source = nextLine();
    const container = await scope.start(definition());
    const { handedOver, report } = await closeHandingOver(scope);
    const [removal] = handedOver;
    expect(report.ends).toEqual([]);
    expect(removal).toMatchObject({ kind: 'container', id: container.getId(), source });
    expect(removal?.what).toContain(container.getId().slice(0, 12));
    expect(entryOf(removal!.key)).toMatchObject({ state: 'cleaning' });
    expect(await removal!.done).toMatchObject({ source, result: { outcome: 'removed' } });
    expect(entryOf(removal!.key)).toMatchObject({ state: 'gone', outcome: 'removed' });
    expect(await exists('container', container.getId())).toBe(false);
  });

  it('has them go in their order: a network after its containers', async () => {
    const scope = openScope();
    const container = await scope.start(new GenericContainer(specImage).withCommand(sleeper));
    const network = await scope.start(new Network());
    await docker.getNetwork(network.getId()).connect({ Container: container.getId() });
    const { handedOver } = await closeHandingOver(scope);
    expect(handedOver.map(({ kind }) => kind)).toEqual(['container', 'network']);
    expect(await ended(handedOver)).toMatchObject([
      { result: { outcome: 'removed' } },
      { result: { outcome: 'removed', attempts: 1 } },
    ]);
    expect(await thingsOfThisFile()).toEqual([]);
  });

  it('waits for what has to be gone before something else ends: only what is last goes over', async () => {
    const scope = openScope();
    const first = await scope.start(definition());
    let wasGone: boolean | undefined;
    let second = '';
    scope.defer('look', async () => void (wasGone = !(await exists('container', second))));
    second = (await scope.start(definition())).getId();
    const { handedOver, report } = await closeHandingOver(scope);
    expect(wasGone).toBe(true);
    expect(report.ends).toMatchObject([{ result: { id: second } }, { what: 'look' }]);
    expect(handedOver).toMatchObject([{ id: first.getId() }]);
    await ended(handedOver);
  });

  it('waits for all of it where a deferred function ends last', async () => {
    const scope = openScope();
    scope.defer('after the container', () => undefined);
    const container = await scope.start(definition());
    const { handedOver } = await closeHandingOver(scope);
    expect(handedOver).toEqual([]);
    expect(await exists('container', container.getId())).toBe(false);
  });

  it('waits for all of it where something is to be verified then', async () => {
    const scope = openScope();
    const container = await scope.start(definition());
    scope.verify('it is gone', async () => !(await exists('container', container.getId())));
    expect((await closeHandingOver(scope)).handedOver).toEqual([]);
  });

  it('waits for what must be waited for', async () => {
    const scope = openScope();
    const container = await scope.start(definition());
    const { handedOver, report } = await closeHandingOver(scope, () => true);
    expect(handedOver).toEqual([]);
    expect(report.ends).toMatchObject([{ result: { id: container.getId(), outcome: 'removed' } }]);
  });

  it('hands over what the scope has that ends last in it', async () => {
    const scope = openScope();
    const inner = scope.child('inner');
    const container = await inner.start(definition());
    const { handedOver } = await closeHandingOver(scope);
    expect(handedOver).toMatchObject([{ id: container.getId() }]);
    await ended(handedOver);
  });

  it('tells of a failure then, and the registry has it', async () => {
    const scope = openScope('orders', { cleanupTimeoutMs: 200 });
    const volume = await createThing('volume');
    await createIdleContainer({ HostConfig: { Binds: [`${volume}:/data`] } });
    await scope.adopt(volume, 'volume');
    const { handedOver } = await closeHandingOver(scope);
    const [end] = await ended(handedOver);
    expect(end).toMatchObject({ error: { code: 'CLEANUP_FAILED' } });
    expect(entryOf(handedOver[0]!.key)).toMatchObject({
      state: 'left',
      failure: expect.stringMatching(/^remove volume .*in use/),
    });
    await removeMarkers();
  });
});

describe('what a scope keeps', () => {
  it('is there, noted as kept, while all else has ended and nothing is verified', async () => {
    const scope = openScope();
    const kept = await scope.start(definition());
    const other = await scope.child('inner').start(definition());
    scope.verify('it is gone', () => exists('container', kept.getId()).then((isThere) => !isThere));
    const { ends } = await scope.close({ isKept: ({ id }) => id === kept.getId() });
    expect(ends).toMatchObject([{ what: 'scope scope/inner' }, { isKept: true }]);
    expect(await exists('container', kept.getId())).toBe(true);
    expect(await exists('container', other.getId())).toBe(false);
    const { registry } = sessionIdentity();
    expect(registry.list({ state: 'kept' })).toMatchObject([{ id: kept.getId() }]);
  });

  it('is so too in the scopes inside', async () => {
    const scope = openScope();
    const kept = await scope.child('inner').start(definition());
    scope.verify('it is gone', () => exists('container', kept.getId()).then((isThere) => !isThere));
    await scope.close({ isKept: () => true });
    expect(await exists('container', kept.getId())).toBe(true);
  });
});

describe('a scope that is left', () => {
  it('is closed, and what it started is there', async () => {
    const scope = openScope('shared/web');
    const container = await scope.start(definition());
    scope.detach();
    expect(await scope.close()).toMatchObject({ ends: [] });
    expect(await exists('container', container.getId())).toBe(true);
    expect(await rejectionOf(scope.start(definition()))).toMatchObject({ code: 'SCOPE_CLOSED' });
  });

  it('refuses to leave what ends with this process, and is open then', async () => {
    const scope = openScope('shared/web');
    let hasEnded = false;
    await scope.use({ stop: () => void (hasEnded = true) });
    expect(() => scope.detach()).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining('Object exists only in this process'),
      }),
    );
    await scope.close();
    expect(hasEnded).toBe(true);
  });
});

describe('what a scope starts for somebody else', () => {
  it("carries that one's labels", async () => {
    const owner = { host: 'elsewhere', pid: 7, boot: 'b' };
    await using scope = openScope('shared/web', { identity: { owner, worker: undefined } });
    const container = await scope.child('inner').start(definition());
    const { Labels } = (await docker.getContainer(container.getId()).inspect()).Config;
    expect(Labels).toMatchObject({
      'castoff.session': sessionIdentity().id,
      'castoff.scope': 'shared/web/inner',
      'castoff.host': 'elsewhere',
      'castoff.pid': '7',
    });
    expect(Labels).not.toHaveProperty('castoff.worker');
  });

  it('is not begun before that one is ready, nor when it does not come to be', async () => {
    const failure = new Error('no engine');
    const scope = openScope('shared/web', { ready: () => Promise.reject(failure) });
    const before = sessionIdentity().registry.list().length;
    expect(await rejectionOf(scope.child('inner').start(definition()))).toMatchObject({ cause: failure });
    expect(sessionIdentity().registry.list()).toHaveLength(before);
    await scope.close();
  });
});

describe('what is started', () => {
  it('runs as part of its start, with its labels', async () => {
    await using scope = openScope('orders');
    let seen: StartContext | undefined;
    class Noting extends GenericContainer {
      protected override async beforeContainerCreated(): Promise<void> {
        seen = currentStart();
      }
    }
    const container = await scope.start(new Noting(specImage).withCommand(sleeper).withNetworkMode('none'));
    const [entry] = sessionIdentity().registry.list({ state: 'present', scope: 'orders' });
    expect(seen).toMatchObject({ key: entry?.key, labels: { 'castoff.start': entry?.key } });
    expect(currentStart()).toBeUndefined();
    expect(entry?.id).toBe(container.getId());
  });
});
