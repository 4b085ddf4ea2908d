import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Journal, readJournal } from '../../lib/registry/journal';
import { Registry, type RegistryChange } from '../../lib/registry/registry';
import { rejectionOf } from '../support/rejection';
import { until } from '../support/until';

let folder: string;
let opened = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'castoff-registry-'));
});
afterAll(() => rm(folder, { recursive: true }));

const owner = { scope: 'orders', test: 'are paid', source: 'a.spec.ts:1' };

/** Creates a registry with its own journal, and counts how often that is opened. */
function openRegistry() {
  opened += 1;
  const path = join(folder, `${opened}.jsonl`);
  const open = jest.fn(() => new Journal(path));
  return { registry: new Registry(open), open, path };
}

/** Records the changes of `registry` from now on. */
function changesOf(registry: Registry): RegistryChange[] {
  const changes: RegistryChange[] = [];
  registry.on('change', (change) => void changes.push(change));
  return changes;
}

describe('the registry', () => {
  it('has the kind, owner, state and time of every entry', async () => {
    const { registry } = openRegistry();
    const before = Date.now();
    const { key } = await registry.register('container', owner, { name: 'web' });
    expect(registry.list()).toEqual([
      {
        key,
        kind: 'container',
        name: 'web',
        owner,
        origin: 'scope',
        registeredAt: expect.any(Date),
        state: 'registered',
        since: expect.any(Date),
      },
    ]);
    registry.update(key, { id: 'c1', engine: 'unix:///x', state: 'present' });
    const [entry] = registry.list();
    expect(entry).toMatchObject({ key, id: 'c1', name: 'web', engine: 'unix:///x', state: 'present' });
    expect(entry?.since.getTime()).toBeGreaterThanOrEqual(before);
    expect(entry?.since.getTime()).toBeLessThanOrEqual(Date.now());
  });

  it('keeps the time at which a state was entered', async () => {
    const { registry } = openRegistry();
    const { key, since } = await registry.register('network', owner);
    expect(registry.update(key, { name: 'n1' }).since).toBe(since);
    expect(registry.update(key, { state: 'present' }).since).not.toBe(since);
  });

  it('does not change entries that it has returned', async () => {
    const { registry } = openRegistry();
    const entry = await registry.register('network', owner);
    registry.update(entry.key, { state: 'present' });
    expect(entry.state).toBe('registered');
  });

  it('lists matching entries in the order of registration, including those that are gone', async () => {
    const { registry } = openRegistry();
    const web = await registry.register('container', owner, { name: 'web' });
    await registry.register('network', { scope: 'other' }, { name: 'n1' });
    await registry.register('container', { scope: 'other' }, { name: 'db' });
    registry.update(web.key, { state: 'gone' });
    const names = (filter: Parameters<Registry['list']>[0]) => registry.list(filter).map(({ name }) => name);
    expect(names({})).toEqual(['web', 'n1', 'db']);
    expect(names({ kind: 'container' })).toEqual(['web', 'db']);
    expect(names({ state: 'gone' })).toEqual(['web']);
    expect(names({ scope: 'other' })).toEqual(['n1', 'db']);
    expect(names({ kind: 'container', state: 'registered', scope: 'other' })).toEqual(['db']);
    expect(names({ scope: 'nobody' })).toEqual([]);
  });

  it('gives every entry a unique key', async () => {
    const { registry } = openRegistry();
    const entries = [await registry.register('network', owner), await registry.register('network', owner)];
    expect(new Set(entries.map(({ key }) => key)).size).toBe(2);
  });

  it('has no entry for a resource that could not be journaled', async () => {
    const failure = new Error('no space left');
    const registry = new Registry(() => {
      throw failure;
    });
    expect(await rejectionOf(registry.register('container', owner))).toBe(failure);
    expect(registry.list()).toEqual([]);
  });

  it('has an entry for a raw resource even when it cannot be journaled, and warns once', async () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const registry = new Registry(() => {
      throw new Error('no space left');
    });
    const { key } = await registry.register('container', owner, { origin: 'raw' });
    registry.note('volume', owner, { origin: 'raw' });
    registry.update(key, { id: 'c1', state: 'present' });
    registry.update(key, { state: 'gone' });
    const warnings = warn.mock.calls.map(([warning]) => String(warning));
    warn.mockRestore();
    expect(registry.list().map(({ kind, state }) => [kind, state])).toEqual([
      ['container', 'gone'],
      ['volume', 'registered'],
    ]);
    expect(warnings).toEqual([expect.stringContaining('write the journal: no space left')]);
  });

  it('opens a new journal after one whose file could not be deleted', async () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const { registry, open, path } = openRegistry();
    const { key } = await registry.register('container', owner);
    await rm(path);
    await mkdir(path);
    registry.update(key, { state: 'gone' });
    warn.mockRestore();
    await rmdir(path);
    await registry.register('container', owner);
    expect(open).toHaveBeenCalledTimes(2);
    expect(readJournal(path)).toHaveLength(1);
  });
});

describe('a listener of the registry', () => {
  it('receives every change in order, with the previous entry', async () => {
    const { registry } = openRegistry();
    const changes = changesOf(registry);
    const { key } = await registry.register('container', owner);
    registry.update(key, { id: 'c1', state: 'present' });
    registry.update(key, { state: 'cleaning' });
    registry.update(key, { state: 'gone', outcome: 'removed' });
    await until(() => changes.length === 4);
    expect(changes.map(({ before, entry }) => [before?.state, entry.state])).toEqual([
      [undefined, 'registered'],
      ['registered', 'present'],
      ['present', 'cleaning'],
      ['cleaning', 'gone'],
    ]);
    expect(changes.at(-1)?.entry).toMatchObject({ key, id: 'c1', outcome: 'removed' });
  });

  it('receives nothing after it was removed', async () => {
    const { registry } = openRegistry();
    const heard = jest.fn();
    registry.on('change', heard);
    registry.off('change', heard);
    await registry.register('container', owner);
    await new Promise(setImmediate);
    expect(heard).not.toHaveBeenCalled();
  });

  it('may throw: the others receive the change, and the process emits a warning', async () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const { registry } = openRegistry();
    const failure = new Error('the listener throws');
    registry.on('change', () => {
      throw failure;
    });
    const changes = changesOf(registry);
    const { key } = await registry.register('container', owner);
    registry.update(key, { state: 'gone' });
    await until(() => changes.length === 2);
    const warnings = [...warn.mock.calls];
    warn.mockRestore();
    expect(changes.map(({ entry }) => entry.state)).toEqual(['registered', 'gone']);
    const expected = [
      'listener of the registry: the listener throws',
      { type: 'CastoffWarning', code: 'CASTOFF_LISTENER_FAILED', detail: failure.stack },
    ];
    expect(warnings).toEqual([expected, expected]);
  });
});

describe('the journal of the registry', () => {
  it('does not exist before the first registration', () => {
    const { registry, open } = openRegistry();
    registry.list();
    expect(open).not.toHaveBeenCalled();
  });

  it('records each registration before it resolves, the id once known, and the removal', async () => {
    const { registry, path } = openRegistry();
    const entries = () => readJournal(path).map((line) => 'entry' in line && line.entry);
    const web = await registry.register('container', owner, { name: 'web', engine: 'unix:///x' });
    expect(entries()).toEqual([web]);
    const network = await registry.register('network', owner);
    const present = registry.update(web.key, { id: 'c1', state: 'present' });
    registry.update(web.key, { state: 'cleaning' });
    const gone = registry.update(web.key, { state: 'gone', outcome: 'removed' });
    expect(entries()).toEqual([web, network, present, gone]);
  });

  it('is deleted with the last removal, and opened again for the next registration', async () => {
    const { registry, open, path } = openRegistry();
    const [one, other] = [
      await registry.register('container', owner),
      await registry.register('container', owner),
    ];
    registry.update(one.key, { state: 'gone' });
    expect(existsSync(path)).toBe(true);
    registry.update(other.key, { state: 'gone' });
    expect(existsSync(path)).toBe(false);
    await registry.register('container', owner);
    expect(readJournal(path)).toHaveLength(1);
    expect(open).toHaveBeenCalledTimes(2);
  });

  it('is kept while a resource is left', async () => {
    const { registry, path } = openRegistry();
    const { key } = await registry.register('container', owner);
    registry.update(key, { id: 'c1', state: 'left' });
    expect(existsSync(path)).toBe(true);
    registry.update(key, { state: 'gone' });
    expect(existsSync(path)).toBe(false);
  });

  it('records a resource again that turns out to exist after all', async () => {
    const { registry, path } = openRegistry();
    const { key } = await registry.register('container', owner);
    registry.update(key, { state: 'gone', outcome: 'never-created' });
    registry.update(key, { id: 'c1', state: 'left' });
    expect(readJournal(path)).toMatchObject([{ entry: { key, id: 'c1', state: 'left' } }]);
  });
});
