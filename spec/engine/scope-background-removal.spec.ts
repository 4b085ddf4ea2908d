import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { GenericContainer, Network } from 'testcontainers';
import { openScope, type FinalizerEnd, type Scope } from '../../lib/index';
import { sessionIdentity } from '../../lib/registry/session-identity';
import type { BackgroundRemoval } from '../../lib/scope/owned-resource';
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

/** Closes `scope`, and collects its background removals. */
async function closeInBackground(scope: Scope, shouldAwait?: () => boolean) {
  const removals: BackgroundRemoval[] = [];
  const report = await scope.close({
    onBackgroundRemoval: (removal) => void removals.push(removal),
    shouldAwait,
  });
  return { removals, report };
}

async function finish(removals: readonly BackgroundRemoval[]): Promise<readonly FinalizerEnd[]> {
  return Promise.all(removals.map(({ done }) => done));
}

describe('a scope that closes with background removals', () => {
  it('resolves its close before they finish, and passes them on', async () => {
    const scope = openScope('orders');
    const source = nextLine();
    const container = await scope.start(definition());
    const { removals, report } = await closeInBackground(scope);
    const [removal] = removals;
    expect(report.ends).toEqual([]);
    expect(removal).toMatchObject({ kind: 'container', id: container.getId(), source });
    expect(removal?.what).toContain(container.getId().slice(0, 12));
    expect(entryOf(removal!.key)).toMatchObject({ state: 'cleaning' });
    expect(await removal!.done).toMatchObject({ source, result: { outcome: 'removed' } });
    expect(entryOf(removal!.key)).toMatchObject({ state: 'gone', outcome: 'removed' });
    expect(await exists('container', container.getId())).toBe(false);
  });

  it('removes a network after its containers', async () => {
    const scope = openScope();
    const container = await scope.start(new GenericContainer(specImage).withCommand(sleeper));
    const network = await scope.start(new Network());
    await docker.getNetwork(network.getId()).connect({ Container: container.getId() });
    const { removals } = await closeInBackground(scope);
    expect(removals.map(({ kind }) => kind)).toEqual(['container', 'network']);
    expect(await finish(removals)).toMatchObject([
      { result: { outcome: 'removed' } },
      { result: { outcome: 'removed', attempts: 1 } },
    ]);
    expect(await thingsOfThisFile()).toEqual([]);
  });

  it('waits for removals before an earlier item ends; only the last group runs in the background', async () => {
    const scope = openScope();
    const first = await scope.start(definition());
    let wasRemoved: boolean | undefined;
    let second = '';
    scope.defer('check', async () => void (wasRemoved = !(await exists('container', second))));
    second = (await scope.start(definition())).getId();
    const { removals, report } = await closeInBackground(scope);
    expect(wasRemoved).toBe(true);
    expect(report.ends).toMatchObject([{ result: { id: second } }, { what: 'check' }]);
    expect(removals).toMatchObject([{ id: first.getId() }]);
    await finish(removals);
  });

  it('waits for all removals when a deferred function runs last', async () => {
    const scope = openScope();
    scope.defer('after the container', () => undefined);
    const container = await scope.start(definition());
    const { removals } = await closeInBackground(scope);
    expect(removals).toEqual([]);
    expect(await exists('container', container.getId())).toBe(false);
  });

  it('waits for all removals when the scope has a check', async () => {
    const scope = openScope();
    const container = await scope.start(definition());
    scope.verify('it is gone', async () => !(await exists('container', container.getId())));
    expect((await closeInBackground(scope)).removals).toEqual([]);
  });

  it('waits for removals selected by shouldAwait', async () => {
    const scope = openScope();
    const container = await scope.start(definition());
    const { removals, report } = await closeInBackground(scope, () => true);
    expect(removals).toEqual([]);
    expect(report.ends).toMatchObject([{ result: { id: container.getId(), outcome: 'removed' } }]);
  });

  it('passes on the removals of a child scope that closes last', async () => {
    const scope = openScope();
    const inner = scope.child('inner');
    const container = await inner.start(definition());
    const { removals } = await closeInBackground(scope);
    expect(removals).toMatchObject([{ id: container.getId() }]);
    await finish(removals);
  });

  it('resolves a failed removal to an outcome with its error, which the registry records', async () => {
    const scope = openScope('orders', { cleanupTimeoutMs: 4_000 });
    const volume = await createThing('volume');
    await createIdleContainer({ HostConfig: { Binds: [`${volume}:/data`] } });
    await scope.adopt(volume, 'volume');
    const { removals } = await closeInBackground(scope);
    const [end] = await finish(removals);
    expect(end).toMatchObject({ error: { code: 'CLEANUP_FAILED' } });
    expect(entryOf(removals[0]!.key)).toMatchObject({
      state: 'left',
      failure: expect.stringMatching(/^remove volume .*in use/),
    });
    await removeMarkers();
  });
});

describe('a kept resource', () => {
  it('still exists, recorded as kept, after everything else has ended without checks', async () => {
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

  it('still exists when it belongs to a child scope', async () => {
    const scope = openScope();
    const kept = await scope.child('inner').start(definition());
    scope.verify('it is gone', () => exists('container', kept.getId()).then((isThere) => !isThere));
    await scope.close({ isKept: () => true });
    expect(await exists('container', kept.getId())).toBe(true);
  });
});

describe('a detached scope', () => {
  it('is closed, and its container still exists', async () => {
    const scope = openScope('shared/web');
    const container = await scope.start(definition());
    scope.detach();
    expect(await scope.close()).toMatchObject({ ends: [] });
    expect(await exists('container', container.getId())).toBe(true);
    expect(await rejectionOf(scope.start(definition()))).toMatchObject({ code: 'SCOPE_CLOSED' });
  });

  it('stays open when detach() throws because an item exists only in this process', async () => {
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

describe('a scope with the identity of another owner', () => {
  it('puts the labels of that owner on its containers', async () => {
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

  it('does not start or register a container when `ready` rejects', async () => {
    const failure = new Error('no engine');
    const scope = openScope('shared/web', { ready: () => Promise.reject(failure) });
    const before = sessionIdentity().registry.list().length;
    expect(await rejectionOf(scope.child('inner').start(definition()))).toMatchObject({ cause: failure });
    expect(sessionIdentity().registry.list()).toHaveLength(before);
    await scope.close();
  });
});

describe('the code of a start', () => {
  it('runs in the context of the start, with its labels', async () => {
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
