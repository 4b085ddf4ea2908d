import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { connectEngine } from '../../lib/engine/connect';
import type { Engine } from '../../lib/engine/engine';
import { watchEvents } from '../../lib/engine/events';
import { createIdle } from '../support/claimed-things';
import { collectEvents, formatEvent } from '../support/collect-events';
import { openCutRelay, type CutRelay } from '../support/cut-relay';
import { openFaultProxy } from '../support/fault-proxy';
import { removeLeftovers } from '../support/leftovers';
import { rejectionOf } from '../support/rejection';
import { createRunningContainer, docker, specLabel, uniqueName } from '../support/things';
import { until } from '../support/until';

const lib = join(__dirname, '../../lib');
const requireTypescript = join(__dirname, '../support/require-typescript.cjs');

const watchUntilStdinEnds = `
  const { connectEngine } = require(process.env.LIB + '/engine/connect.ts');
  const { watchEvents } = require(process.env.LIB + '/engine/events.ts');
  (async () => {
    const engine = await connectEngine(process.env.ENGINE);
    for await (const { type } of watchEvents(engine, { labels: ['none'], kinds: ['container'], signal: new AbortController().signal }))
      process.stdout.write(type + '\\n');
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
const watchNow = (signal = new AbortController().signal) =>
  watchEvents(engine, { labels: [label], kinds: ['container'], signal });

/**
 * Starts a process that watches, and has nothing else to do once its stdin ends. It is killed on disposal.
 */
function startWatching() {
  const child = spawn(process.execPath, ['--require', requireTypescript, '--eval', watchUntilStdinEnds], {
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

  it('delivers every event exactly once when its connection breaks during 24 removals', async () => {
    const direct = await connectEngine();
    const running = await Promise.all([1, 2, 3].map(createLabelled));
    const idle = await Promise.all(Array.from({ length: 21 }, createIdleLabelled));
    const [before, during, after] = [0, 1, 2].map((nth) => [
      ...running.slice(nth, nth + 1),
      ...idle.slice(7 * nth, 7 * nth + 7),
    ]);
    const options = { labels: [label], kinds: ['container'] } as const;
    await using truth = collectEvents(direct, options);
    await using watch = collectEvents(engine, options);
    await Promise.all([truth.untilListed(), watch.untilListed()]);
    const destroyed = (of: typeof watch) => of.events().filter(({ action }) => action === 'destroy').length;

    const removing = before!.map(remove);
    await watch.until(() => destroyed(watch) >= 5);
    relay.hold();
    const seen = destroyed(watch);
    removing.push(...during!.map(remove));
    await truth.until(() => destroyed(truth) >= seen + 3);
    removing.push(...after!.map(remove));
    relay.release();
    await Promise.all(removing);
    await Promise.all([truth, watch].map((of) => of.until(() => destroyed(of) === 24)));

    const delivered = watch.events().map(formatEvent);
    expect(new Set(delivered).size).toBe(delivered.length);
    expect(delivered.toSorted()).toEqual(truth.events().map(formatEvent).toSorted());
    // Running containers also have a kill and a die.
    expect(delivered).toHaveLength(24 + 2 * 3);
    expect(relay.eventPaths.at(-1)).toMatch(/[?&]since=\d+/);
    expect(watch.listings().length).toBeGreaterThanOrEqual(2);
  });

  it('lists again after a broken connection, without resources removed in the meantime', async () => {
    const [gone, kept] = [await createIdleLabelled(), await createIdleLabelled()];
    await using watch = collectEvents(engine, { labels: [label] });
    const first = await watch.untilListed();
    expect(first.targets.map(({ id }) => id).toSorted()).toEqual([gone, kept].toSorted());
    relay.hold();
    await remove(gone);
    relay.release();
    const second = await watch.untilListed();
    expect(second.targets.map(({ id }) => id)).toEqual([kept]);
    await remove(kept);
  });

  it('delivers events that happened while it was disconnected, even without an earlier one', async () => {
    await using watch = collectEvents(engine, { labels: [label] });
    await watch.untilListed();
    relay.hold();
    const id = await createIdleLabelled();
    await remove(id);
    relay.release();
    await watch.until(() => watch.events().some(({ action }) => action === 'destroy'));
    const ofMine = watch.events().filter((event) => event.id === id);
    expect(ofMine.map(({ action }) => action)).toEqual(['create', 'destroy']);
  });

  it('loses no event for a slow reader, and reconnects with a listing when its queue is full', async () => {
    const ending = new AbortController();
    const options = { labels: [label], kinds: ['container'] } as const;
    const watch = watchEvents(engine, { ...options, maxQueuedItems: 3, signal: ending.signal });
    expect(await watch.next()).toMatchObject({ value: { type: 'listing', targets: [] } });
    const ids: string[] = [];
    while (ids.length < 5) ids.push(await createIdleLabelled());
    await Promise.all(ids.map(remove));
    expect(await until(() => relay.eventStreams() === 0, 5_000)).toBe(true);
    expect(await until(() => relay.eventPaths.length > 1, 400)).toBe(false);
    const delivered: string[] = [];
    for await (const item of watch) {
      delivered.push(item.type === 'listing' ? 'listing' : formatEvent(item.event));
      if (delivered.filter((text) => text.includes('destroy')).length === 5) break;
    }
    expect(delivered.slice(0, 4)).toEqual([
      `container create ${ids[0]}`,
      `container create ${ids[1]}`,
      `container create ${ids[2]}`,
      'listing',
    ]);
    const events = delivered.filter((item) => item !== 'listing');
    expect(events).toHaveLength(10);
    expect(new Set(events).size).toBe(10);
    expect(relay.eventPaths.length).toBeGreaterThanOrEqual(2);
  });
});

describe('the end of a watch', () => {
  it('comes with a break out of the loop, and leaves no connection', async () => {
    const items = [];
    for await (const item of watchNow()) {
      items.push(item);
      expect(relay.eventStreams()).toBe(1);
      if (item.type === 'listing') break;
    }
    expect(items).toEqual([{ type: 'listing', targets: [] }]);
    expect(await until(() => relay.eventStreams() === 0, 1_000)).toBe(true);
    expect(relay.eventPaths).toHaveLength(1);
  });

  it('comes with an abort, without an error', async () => {
    const ending = new AbortController();
    const watch = watchNow(ending.signal);
    await watch.next();
    const next = watch.next();
    ending.abort(new Error('the reason'));
    expect(await next).toEqual({ done: true, value: undefined });
    expect(await watch.next()).toEqual({ done: true, value: undefined });
    expect(await until(() => relay.eventStreams() === 0, 1_000)).toBe(true);
    expect(relay.eventPaths).toHaveLength(1);
  });

  it('comes with an abort during the connection attempt', async () => {
    relay.hold();
    const ending = new AbortController();
    const next = watchNow(ending.signal).next();
    ending.abort();
    expect(await next).toEqual({ done: true, value: undefined });
  });

  it('comes before the start when its signal was aborted already', async () => {
    const items = [];
    for await (const item of watchNow(AbortSignal.abort())) items.push(item);
    expect(items).toEqual([]);
    expect(relay.eventPaths).toEqual([]);
  });

  it('comes with a return, also for a reader waiting for the next item', async () => {
    const watch = watchNow();
    await watch.next();
    const next = watch.next();
    expect(await watch.return?.()).toEqual({ done: true, value: undefined });
    expect(await next).toEqual({ done: true, value: undefined });
    expect(await until(() => relay.eventStreams() === 0, 1_000)).toBe(true);
  });

  it.each(['open', 'broken and the engine away'])(
    'does not delay the end of the process, with the stream %s',
    async (state) => {
      await using child = startWatching();
      expect(String(await once(child.stdout, 'data'))).toBe('listing\n');
      if (state !== 'open') relay.hold();
      expect(await until(() => state === 'open' || relay.refusals() >= 2, 5_000)).toBe(true);
      child.stdin.end();
      expect(await until(() => child.exitCode === 0, 1_000)).toBe(true);
    },
  );
});

describe('an engine that refuses a watch', () => {
  it('ends the watch with its message', async () => {
    await using proxy = await openFaultProxy();
    proxy.inject({ on: 'GET /events', fault: { type: 'answer', status: 400, message: 'no such filter' } });
    const refused = await connectEngine(proxy.address);
    const watch = watchEvents(refused, { labels: [label], signal: new AbortController().signal });
    expect(await rejectionOf(watch.next())).toMatchObject({
      code: 'ENGINE_REFUSED',
      message: expect.stringMatching(/400 .*no such filter/),
    });
    expect(await watch.next()).toEqual({ done: true, value: undefined });
  });

  it.each(['GET /events', 'GET /networks'])('gets another request when it fails once: %s', async (on) => {
    await using proxy = await openFaultProxy();
    const rule = proxy.inject({ on, fault: { type: 'answer', status: 500, message: 'busy' } });
    await using watch = collectEvents(await connectEngine(proxy.address), { labels: [label] });
    await watch.untilListed();
    expect(rule.hits()).toBe(1);
  });

  it('ends the watch when it fails five times in a row', async () => {
    await using proxy = await openFaultProxy();
    const fault = { type: 'answer', status: 500, message: 'broken' } as const;
    const rule = proxy.inject({ on: 'GET /containers/json', fault, times: Infinity });
    const broken = await connectEngine(proxy.address);
    const watch = watchEvents(broken, { labels: [label], signal: new AbortController().signal });
    expect(await rejectionOf(watch.next())).toMatchObject({ code: 'ENGINE_REFUSED', status: 500 });
    expect(rule.hits()).toBe(5);
    const streams = proxy.calls.filter(({ path }) => path.includes('/events'));
    expect(await until(() => streams.every(({ ended }) => ended === 'client-left'), 1_000)).toBe(true);
    expect(streams).toHaveLength(5);
  });

  it('is allowed five failures again after every connection', async () => {
    await using proxy = await openFaultProxy();
    await using cuttable = await openCutRelay({ upstream: proxy.socketPath });
    const options = { labels: [label], kinds: ['container'] } as const;
    const shaky = await connectEngine(cuttable.address);
    const failListing = (times: number) =>
      proxy.inject({ on: 'GET /containers/json', fault: { type: 'answer', status: 500 }, times });
    const before = failListing(4);
    await using watch = collectEvents(shaky, options);
    await watch.untilListed();
    const after = failListing(1);
    cuttable.cut();
    await watch.untilListed();
    expect([before.hits(), after.hits()]).toEqual([4, 1]);
  });

  it.each([
    ['reset', 'reset'],
    ['cut-answer', 'lose-answer'],
    // Ends with the timeout of a call: ten seconds.
    ['reset', 'swallow'],
  ] as const)(
    'gets another request after a %s of the stream and a %s of a list',
    async (ofStream, ofList) => {
      await using proxy = await openFaultProxy();
      const streams = proxy.inject({ on: 'GET /events', fault: { type: ofStream }, times: 2 });
      const lists = proxy.inject({ on: 'GET /containers/json', fault: { type: ofList } });
      const options = { labels: [label], kinds: ['container'] } as const;
      await using watch = collectEvents(await connectEngine(proxy.address), options);
      await watch.until(() => watch.listings().length > 0, 20_000);
      const id = await createIdleLabelled();
      await watch.until(() => watch.events().some((event) => event.id === id && event.action === 'create'));
      expect([streams.hits(), lists.hits()]).toEqual([2, 1]);
      await remove(id);
    },
  );
});
