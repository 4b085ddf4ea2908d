import { afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import { connectEngine } from '../../lib/engine/connect';
import { watchEvents } from '../../lib/engine/watch-events';
import { createIdle } from '../support/claimed-things';
import { collectEvents } from '../support/collect-events';
import { openCutRelay } from '../support/cut-relay';
import { openFaultProxy } from '../support/fault-proxy';
import { removeLeftovers } from '../support/leftovers';
import { rejectionOf } from '../support/rejection';
import { removeByHand, uniqueName } from '../support/things';
import { until } from '../support/until';

let label: string;

beforeEach(() => {
  label = uniqueName();
});
afterAll(() => removeLeftovers());

const ignore = (): void => undefined;

describe('an engine that refuses a watch', () => {
  it('ends the watch with its message', async () => {
    await using proxy = await openFaultProxy();
    proxy.inject({ on: 'GET /events', fault: { type: 'answer', status: 400, message: 'no such filter' } });
    const refused = await connectEngine(proxy.address);
    const watching = watchEvents(refused, { labels: [label], signal: new AbortController().signal }, ignore);
    expect(await rejectionOf(watching)).toMatchObject({
      code: 'ENGINE_REFUSED',
      message: expect.stringMatching(/400 .*no such filter/),
    });
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
    const watching = watchEvents(broken, { labels: [label], signal: new AbortController().signal }, ignore);
    expect(await rejectionOf(watching)).toMatchObject({ code: 'ENGINE_REFUSED', status: 500 });
    expect(rule.hits()).toBe(5);
    const streams = proxy.calls.filter(({ path }) => path.includes('/events'));
    expect(await until(() => streams.every(({ ended }) => ended === 'client-left'))).toBe(true);
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
      const { id } = await createIdle({ [label]: '1' });
      // A stream that is cut with its first event is followed by a listing.
      const isListed = () => watch.listings().some(({ targets }) => targets.some((one) => one.id === id));
      await watch.until(() => isListed() || watch.events().some((event) => event.id === id));
      expect([streams.hits(), lists.hits()]).toEqual([2, 1]);
      await removeByHand('container', id);
    },
  );
});
