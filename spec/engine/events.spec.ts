import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { connectEngine } from '../../lib/engine/connect';
import type { Engine } from '../../lib/engine/engine';
import { watchEvents, type WatchedEvent } from '../../lib/engine/watch-events';
import { createIdle } from '../support/claimed-things';
import { collectEvents, formatEvent } from '../support/collect-events';
import { openCutRelay, type CutRelay } from '../support/cut-relay';
import { removeLeftovers } from '../support/leftovers';
import { rejectionOf } from '../support/rejection';
import { createRunningContainer, docker, specLabel, uniqueName } from '../support/things';
import { until } from '../support/until';
import { withTypeScript } from '../support/with-typescript';

const lib = join(__dirname, '../../lib');

const watchUntilStdinEnds = `
  const { connectEngine } = require(process.env.LIB + '/engine/connect.ts');
  const { watchEvents } = require(process.env.LIB + '/engine/watch-events.ts');
  (async () => {
    const engine = await connectEngine(process.env.ENGINE);
    await watchEvents(
      engine,
      { labels: ['none'], kinds: ['container'], signal: new AbortController().signal },
      ({ type }) => process.stdout.write(type + '\\n'),
    );
  })();
  process.stdin.resume();`;

let label: string;
let relay: CutRelay;
let engine: Engine;

beforeEach(async () => {
  label = uniqueName();
  relay = await openCutRelay();
  engine = await connectEngine(relay.address);
});
afterEach(() => relay.close());
afterAll(() => removeLeftovers());

const createLabelled = (): Promise<string> => createRunningContainer({ Labels: { [label]: '1' } });
const createIdleLabelled = async (): Promise<string> => (await createIdle({ [label]: '1' })).id;
const remove = (id: string): Promise<unknown> => docker.getContainer(id).remove({ force: true, v: true });
const ignore = (): void => undefined;

/**
 * Starts a process that watches, and has nothing else to do once its stdin ends. It is killed on disposal.
 */
function startWatching() {
  const child = spawn(process.execPath, [...withTypeScript, '--eval', watchUntilStdinEnds], {
    env: { ...process.env, LIB: lib, ENGINE: relay.address },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const dispose = async (): Promise<void> => {
    if (child.exitCode === null && child.kill('SIGKILL')) await once(child, 'exit');
  };
  return Object.assign(child, { [Symbol.asyncDispose]: dispose });
}

describe('a watch', () => {
  it('starts with a listing of the resources that have the labels', async () => {
    const id = await createLabelled();
    const { id: other } = await createIdle({});
    await using watch = collectEvents(engine, { labels: [label] });
    const { targets } = await watch.untilListed();
    expect(targets).toMatchObject([
      { kind: 'container', id, name: expect.any(String), status: 'running', labels: { [label]: '1' } },
    ]);
    await Promise.all([remove(id), remove(other)]);
  });

  it('delivers the events of a labelled container in order, and none of others', async () => {
    await using watch = collectEvents(engine, { labels: [`${label}=1`], kinds: ['container'] });
    await watch.untilListed();
    const { id: other } = await createIdle({});
    await remove(other);
    const id = await createLabelled();
    await remove(id);
    await watch.until(() => watch.events().at(-1)?.action === 'destroy');
    expect(watch.events()).toMatchObject([
      { action: 'create', id, labels: { [label]: '1' } },
      { action: 'start', id },
      { action: 'kill', id },
      { action: 'die', id, exitCode: 137 },
      { action: 'destroy', id },
    ]);
    expect(watch.listings()).toHaveLength(1);
  });

  it('delivers events of networks and volumes, which have no labels', async () => {
    await using watch = collectEvents(engine, { labels: [label] });
    await watch.untilListed();
    const Labels = { ...specLabel, [label]: '1' };
    const { id: other } = await createIdle({});
    const network = await docker.createNetwork({ Name: label, Labels });
    await docker.createVolume({ Name: label, Labels });
    await network.remove();
    await docker.getVolume(label).remove();
    await remove(other);
    await watch.until(() => watch.events().some(({ id, action }) => id === label && action === 'destroy'));
    const ofMine = watch.events().filter(({ name }) => name === label);
    expect(ofMine.map(formatEvent)).toEqual([
      `network create ${network.id}`,
      `volume create ${label}`,
      `network destroy ${network.id}`,
      `volume destroy ${label}`,
    ]);
    expect(watch.events().filter(({ kind }) => kind === 'container')).toEqual([]);
  });

  it('shows each of 24 removals once, by an event or a listing, when its connection breaks in between', async () => {
    const running = await Promise.all([1, 2, 3].map(createLabelled));
    const idle = await Promise.all(Array.from({ length: 21 }, createIdleLabelled));
    const [before, during, after] = [0, 1, 2].map((nth) => [
      ...running.slice(nth, nth + 1),
      ...idle.slice(7 * nth, 7 * nth + 7),
    ]);
    await using watch = collectEvents(engine, { labels: [label], kinds: ['container'] });
    await watch.untilListed();
    const destroyed = () => watch.events().filter(({ action }) => action === 'destroy');

    const removing = before!.map(remove);
    await watch.until(() => destroyed().length >= 5);
    relay.hold();
    removing.push(...during!.map(remove));
    await removing[8];
    removing.push(...after!.map(remove));
    relay.release();
    await Promise.all(removing);
    const isShown = (id: string): boolean =>
      destroyed().some((event) => event.id === id) ||
      watch.listings().some(({ targets }) => targets.every((target) => target.id !== id));
    await watch.until(() => [...running, ...idle].every(isShown));

    const delivered = watch.events().map(formatEvent);
    expect(new Set(delivered).size).toBe(delivered.length);
    expect(watch.listings().length).toBeGreaterThanOrEqual(2);
  });

  it('lists again after a broken connection, with what was created and without what was removed meanwhile', async () => {
    const [gone, kept] = [await createIdleLabelled(), await createIdleLabelled()];
    await using watch = collectEvents(engine, { labels: [label] });
    const first = await watch.untilListed();
    expect(first.targets.map(({ id }) => id).toSorted()).toEqual([gone, kept].toSorted());
    relay.hold();
    await remove(gone);
    const created = await createIdleLabelled();
    relay.release();
    const second = await watch.untilListed();
    expect(second.targets.map(({ id }) => id).toSorted()).toEqual([created, kept].toSorted());
    await Promise.all([remove(created), remove(kept)]);
  });

  it('loses no event for a slow reader', async () => {
    const ending = new AbortController();
    const { promise: isListed, resolve: markListed } = Promise.withResolvers<void>();
    const { promise: mayGoOn, resolve: goOn } = Promise.withResolvers<void>();
    const delivered: string[] = [];
    const options = { labels: [label], kinds: ['container'], signal: ending.signal } as const;
    const watching = watchEvents(engine, options, async (item) => {
      delivered.push(item.type === 'listing' ? 'listing' : formatEvent(item.event));
      markListed();
      await mayGoOn;
    });
    await isListed;
    const ids: string[] = [];
    while (ids.length < 5) ids.push(await createIdleLabelled());
    await Promise.all(ids.map(remove));
    expect(delivered).toEqual(['listing']);
    goOn();
    expect(await until(() => delivered.length === 11)).toBe(true);
    expect(new Set(delivered).size).toBe(11);
    ending.abort();
    await watching;
    expect(relay.eventPaths).toHaveLength(1);
  });
});

describe('the end of a watch', () => {
  const watchNow = (signal: AbortSignal, onItem: (item: WatchedEvent) => void | Promise<void> = ignore) =>
    watchEvents(engine, { labels: [label], kinds: ['container'], signal }, onItem);

  it('comes with an abort, without an error, and leaves no connection', async () => {
    const ending = new AbortController();
    const items: WatchedEvent[] = [];
    const { promise: isListed, resolve } = Promise.withResolvers<void>();
    const watching = watchNow(ending.signal, (item) => {
      items.push(item);
      resolve();
    });
    await isListed;
    expect(relay.eventStreams()).toBe(1);
    ending.abort(new Error('the reason'));
    await watching;
    expect(items).toEqual([{ type: 'listing', targets: [] }]);
    expect(await until(() => relay.eventStreams() === 0)).toBe(true);
    expect(relay.eventPaths).toHaveLength(1);
  });

  it('comes with an abort during the connection attempt', async () => {
    relay.hold();
    const ending = new AbortController();
    const watching = watchNow(ending.signal);
    ending.abort();
    expect(await watching).toBeUndefined();
  });

  it('comes before the start when its signal was aborted already', async () => {
    await watchNow(AbortSignal.abort());
    expect(relay.eventPaths).toEqual([]);
  });

  it('comes with an error of its reader, and leaves no connection', async () => {
    const watching = watchNow(new AbortController().signal, () => {
      throw new Error('the reader has had enough');
    });
    expect(await rejectionOf(watching)).toMatchObject({ message: 'the reader has had enough' });
    expect(await until(() => relay.eventStreams() === 0)).toBe(true);
  });

  it.each(['open', 'broken and the engine away'])(
    'does not delay the end of the process, with the stream %s',
    async (state) => {
      await using child = startWatching();
      expect(String(await once(child.stdout, 'data'))).toBe('listing\n');
      if (state !== 'open') relay.hold();
      expect(await until(() => state === 'open' || relay.refusals() >= 2)).toBe(true);
      child.stdin.end();
      expect(await until(() => child.exitCode === 0)).toBe(true);
    },
  );
});
