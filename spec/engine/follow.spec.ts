import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { connectEngine } from '../../lib/engine/connect';
import type { Engine } from '../../lib/engine/engine';
import type { RegistryEntry } from '../../lib/registry/entry';
import { followEngine, type Follower } from '../../lib/registry/follow';
import { Journal } from '../../lib/registry/journal';
import { Registry } from '../../lib/registry/registry';
import type { RemovableKind } from '../../lib/core/kinds';
import { createIdle } from '../support/claimed-things';
import { openCutRelay, type CutRelay } from '../support/cut-relay';
import { openFaultProxy } from '../support/fault-proxy';
import { removeLeftovers } from '../support/leftovers';
import { createThing, docker, removeByHand, uniqueName } from '../support/things';
import { until } from '../support/until';

const owner = { scope: 'follow.spec' };
let folder: string;
let relay: CutRelay;
let engine: Engine;
let registry: Registry;
let follower: Follower;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'castoff-follow-'));
  relay = await openCutRelay();
  engine = await connectEngine(relay.address);
  registry = new Registry(() => new Journal(join(folder, 'journal.jsonl')));
  follower = followEngine(registry, engine);
});
afterEach(async () => {
  await follower.close();
  await relay.close();
  await rm(folder, { recursive: true, force: true });
});
afterAll(() => removeLeftovers());

/** Creates a container that does not run: only its removal matters. */
async function createIdleContainer(): Promise<string> {
  return (await createIdle({})).id;
}

function create(kind: RemovableKind): Promise<string> {
  return kind === 'container' ? createIdleContainer() : createThing(kind);
}

function adopt(kind: RemovableKind, id: string, address = engine.address): string {
  return registry.adopt(kind, owner, { id, engine: address }).key;
}

function entry(key: string): RegistryEntry | undefined {
  return registry.list().find((one) => one.key === key);
}

function isGone(key: string): Promise<boolean> {
  return until(() => entry(key)?.state === 'gone');
}

/** Resolves when the registry has processed all earlier events, which it does in order. */
async function untilUpToDate(): Promise<void> {
  const id = await createThing('volume');
  const key = adopt('volume', id);
  await removeByHand('volume', id);
  expect(await isGone(key)).toBe(true);
}

describe('a registry that follows its engine', () => {
  it.each(['container', 'network', 'volume', 'image'] as const)(
    'notices a %s that another client removes',
    async (kind) => {
      await untilUpToDate();
      const id = await create(kind);
      const key = adopt(kind, id);
      const changes: string[] = [];
      registry.on('change', (change) => {
        if (change.entry.key === key) changes.push(`${change.before?.state} ${change.entry.state}`);
      });
      await removeByHand(kind, id);
      expect(await isGone(key)).toBe(true);
      expect(entry(key)).toMatchObject({ id, state: 'gone', outcome: 'removed-elsewhere' });
      expect(changes).toEqual(['present gone']);
    },
  );

  it.each(['its name', 'its short id'])('recognizes an adopted container by %s', async (what) => {
    await untilUpToDate();
    const id = await createIdleContainer();
    const { Name } = await docker.getContainer(id).inspect();
    const key = adopt('container', what === 'its name' ? Name.slice(1) : id.slice(0, 12));
    await removeByHand('container', id);
    expect(await isGone(key)).toBe(true);
  });

  it('does not update a resource that is being cleaned up', async () => {
    await untilUpToDate();
    const id = await createIdleContainer();
    const key = adopt('container', id);
    registry.update(key, { state: 'cleaning' });
    await removeByHand('container', id);
    await untilUpToDate();
    expect(entry(key)).toMatchObject({ state: 'cleaning' });
  });

  it('does not update a resource whose cleanup starts while the engine inspects it', async () => {
    await using proxy = await openFaultProxy();
    await follower.close();
    const asked = await connectEngine(proxy.address);
    const id = await createIdleContainer();
    const key = adopt('container', id, asked.address);
    await removeByHand('container', id);
    const held = proxy.hold(`GET /containers/${id}/json`);
    follower = followEngine(registry, asked);
    await held.arrived();
    registry.update(key, { state: 'cleaning' });
    held.release();
    const other = await createThing('volume');
    const otherKey = adopt('volume', other, asked.address);
    await removeByHand('volume', other);
    expect(await isGone(otherKey)).toBe(true);
    expect(entry(key)).toMatchObject({ state: 'cleaning' });
  });

  it('ignores that an image loses another name', async () => {
    await untilUpToDate();
    const id = await createThing('image');
    const key = adopt('image', id);
    const otherName = uniqueName();
    await docker.getImage(id).tag({ repo: otherName, tag: '1' });
    await removeByHand('image', `${otherName}:1`);
    await untilUpToDate();
    expect(entry(key)).toMatchObject({ state: 'present' });
    await removeByHand('image', id);
    expect(await isGone(key)).toBe(true);
  });

  it('notices resources that were removed while the engine was unreachable, and keeps the others', async () => {
    await untilUpToDate();
    const kinds = ['container', 'network', 'volume', 'image'] as const;
    const things = await Promise.all(kinds.map(async (kind) => ({ kind, id: await create(kind) })));
    const keys = things.map(({ kind, id }) => adopt(kind, id));
    const kept = await createIdleContainer();
    const { Name } = await docker.getContainer(kept).inspect();
    const keptKeys = [kept, kept.slice(0, 12), Name.slice(1)].map((ref) => adopt('container', ref));
    relay.hold();
    await Promise.all(things.map(({ kind, id }) => removeByHand(kind, id)));
    relay.release();
    for (const key of keys) expect(await isGone(key)).toBe(true);
    await untilUpToDate();
    for (const key of keptKeys) expect(entry(key)).toMatchObject({ state: 'present' });
    await removeByHand('container', kept);
    for (const key of keptKeys) expect(await isGone(key)).toBe(true);
  });

  it('notices resources that were removed before it started', async () => {
    await follower.close();
    const kinds = ['container', 'network', 'volume', 'image'] as const;
    const keys = await Promise.all(
      kinds.map(async (kind) => {
        const id = await create(kind);
        await removeByHand(kind, id);
        return adopt(kind, id);
      }),
    );
    follower = followEngine(registry, engine);
    for (const key of keys) expect(await isGone(key)).toBe(true);
  });

  it('ignores resources on another engine', async () => {
    const id = await createIdleContainer();
    const key = adopt('container', id, 'unix:///elsewhere.sock');
    await removeByHand('container', id);
    relay.cut();
    await untilUpToDate();
    expect(entry(key)).toMatchObject({ state: 'present' });
  });

  it('waits for an engine that is away, until it is closed', async () => {
    await untilUpToDate();
    relay.hold();
    expect(await until(() => relay.refusals() >= 3)).toBe(true);
    const ended = follower.ended.then((why) => ({ why }));
    await follower.close();
    await follower.close();
    expect(await ended).toEqual({ why: undefined });
    const refusals = relay.refusals();
    relay.release();
    await removeByHand('volume', await createThing('volume'));
    expect(relay.eventStreams()).toBe(0);
    expect(relay.refusals()).toBe(refusals);
  });

  it('reports why it has stopped following, and throws nothing', async () => {
    await using proxy = await openFaultProxy();
    proxy.inject({ on: 'GET /events', fault: { type: 'answer', status: 403, message: 'not for you' } });
    const refused = followEngine(registry, await connectEngine(proxy.address));
    expect(await refused.ended).toMatchObject({ code: 'ENGINE_REFUSED', status: 403 });
  });
});
