import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { LeaseClient } from '../../lib/lease/client';
import { isCastoffError } from '../../lib/index';
import { openFakeReaper, type FakeReaper } from '../support/fake-reaper';
import { rejectionOf } from '../support/rejection';
import { until } from '../support/until';

const own = ['castoff.session=1f2e'];
const others = ['com.docker.compose.project=app', 'org.testcontainers.session-id=9c'].map((label) => [label]);
const owner = { host: 'here', pid: 7 };
const hello = { type: 'hello', protocol: 3, version: '0.1.0', session: '1f2e', owner };
const claim = (labels: readonly string[]) => ({ type: 'claim', labels });

let fake: FakeReaper;
let client: LeaseClient;
const warnings: string[] = [];

beforeEach(() => {
  fake = openFakeReaper();
  client = new LeaseClient({
    hello: { version: '0.1.0', session: '1f2e', owner },
    connect: () => fake.connect(),
  });
  warnings.length = 0;
  jest.spyOn(process, 'emitWarning').mockImplementation((_warning, options) => {
    warnings.push((options as { code: string }).code);
  });
});

afterEach(async () => {
  fake.answering = () => ({ ok: true });
  await client.close();
  jest.restoreAllMocks();
});

const heardIn = (connection: number) => fake.heard[connection] ?? [];
const isHeldAgain = () => until(() => client.isHeld && fake.heard.length > 1);

describe('a lease', () => {
  it('a lease is taken with hello and a first claim, and ended with bye', async () => {
    await client.open(own);
    await client.close();
    expect(fake.heard).toEqual([[hello, claim(own), { type: 'bye' }]]);
    expect(warnings).toEqual([]);
  });

  it.each([
    [{ ok: true }, true],
    [{ ok: false, reason: 'not here' }, false],
    [undefined, false],
  ] as const)(
    'a lease whose resources are to be kept ends with bye; after the answer %j, they are kept: %s',
    async (answer, isKept) => {
      await client.open(own);
      fake.answering = ({ type }) => (type === 'bye' ? answer : { ok: true });
      expect(await client.close(3_600_000)).toBe(isKept);
      expect(heardIn(0).at(-1)).toEqual({ type: 'bye', keepMs: 3_600_000 });
    },
  );

  it('a lease that is lost keeps nothing', async () => {
    await client.open(own);
    fake.connect = () => Promise.reject(new Error('no reaper'));
    fake.hangUp();
    await until(() => !client.isHeld);
    expect(await client.close(3_600_000)).toBe(false);
  });

  it('a lease is not held before hello and the claim are answered', async () => {
    let isOpen = false;
    fake.answering = ({ type }) => (type === 'hello' ? { ok: true } : undefined);
    const opening = client.open(own).then(() => (isOpen = true));
    await until(() => heardIn(0).length === 2);
    await new Promise((resolve) => setImmediate(resolve));
    expect(isOpen).toBe(false);
    fake.say('{"id":2,"ok":true}\n');
    await opening;
  });

  it.each(['hello', 'claim'])(
    'a lease fails with REAPER_PROTOCOL when the reaper refuses %s, and is not retried',
    async (type) => {
      fake.answering = (request) =>
        request.type === type ? { ok: false, reason: 'not here' } : { ok: true };
      const error = await rejectionOf(client.open(own));
      expect(error).toMatchObject({ code: 'REAPER_PROTOCOL', message: expect.stringContaining('not here') });
      fake.hangUp();
      await new Promise((resolve) => setImmediate(resolve));
      expect(fake.heard).toHaveLength(1);
      expect(warnings).toEqual([]);
    },
  );

  it('a lease fails with REAPER_PROTOCOL when the reaper replies to a request that was not sent', async () => {
    fake.answering = ({ id }) => ({ ok: true, id: id + 5 }) as never;
    const connect = fake.connect;
    fake.connect = async () => {
      const connection = await connect();
      fake.say('{"id":77,"ok":true}\n');
      return connection;
    };
    expect(isCastoffError(await rejectionOf(client.open(own)), 'REAPER_PROTOCOL')).toBe(true);
  });

  it('a client ignores lines that are not replies', async () => {
    const connect = fake.connect;
    fake.connect = async () => {
      const connection = await connect();
      fake.say('NACK no label\n{"id":0,"ok":false,"reason":"no request"}\n{"id":\n\n[]\n');
      return connection;
    };
    await client.open(own);
    await client.claim(others[0]!);
    expect(client.isHeld).toBe(true);
  });
});

describe('a claim', () => {
  it('a claim that is already held is not sent again', async () => {
    await client.open(own);
    await client.claim(['a=1', 'b=2']);
    await client.claim(['b=2', 'a=1']);
    expect(heardIn(0)).toEqual([hello, claim(own), claim(['a=1', 'b=2'])]);
  });

  it('claims resolve after 2 s without a reply, with one warning for all of them', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance'] });
    try {
      await client.open(own);
      fake.answering = () => undefined;
      let resolved = 0;
      const claiming = others.map((labels) => client.claim(labels).then(() => (resolved += 1)));
      await jest.advanceTimersByTimeAsync(1_999);
      expect([resolved, warnings]).toEqual([0, []]);
      await jest.advanceTimersByTimeAsync(1);
      expect([resolved, warnings]).toEqual([2, ['CASTOFF_CLAIM_UNANSWERED']]);
      await Promise.all(claiming);
      fake.answering = () => ({ ok: true });
      await client.close();
    } finally {
      jest.useRealTimers();
    }
  });

  it('a refused claim emits a warning and does not reject', async () => {
    await client.open(own);
    fake.answering = () => ({ ok: false, reason: 'not claimable' });
    await client.claim(others[0]!);
    expect(warnings).toEqual(['CASTOFF_CLAIM_REFUSED']);
  });
});

describe('a lease at a reaper that stops answering', () => {
  const release = (labels: readonly string[]) => ({ type: 'release', labels });
  const isPing = ({ type }: { readonly type: string }): boolean => type === 'ping';

  beforeEach(async () => {
    client = new LeaseClient({
      hello: { version: '0.1.0', session: '1f2e', owner },
      connect: () => fake.connect(),
      answerLimits: { pingEveryMs: 10, maxSilenceMs: 50 },
    });
    await client.open(own);
  });

  it('a lease stays at its reaper while pings are answered', async () => {
    expect(await until(() => heardIn(0).filter(isPing).length > 3)).toBe(true);
    expect(fake.heard).toHaveLength(1);
    expect(warnings).toEqual([]);
  });

  it('a lease moves to another reaper when pings are not answered, and the old connection stays open', async () => {
    await client.claim(others[0]!);
    fake.answering = () => (fake.heard.length > 1 ? { ok: true } : undefined);
    expect(await isHeldAgain()).toBe(true);
    expect(heardIn(1).slice(0, 3)).toEqual([hello, claim(own), claim(others[0]!)]);
    expect(warnings).toEqual(['CASTOFF_LEASE_LOST', 'CASTOFF_LEASE_REGAINED']);
    expect(fake.ended).toEqual([]);
  });

  it('claims are also released at a reaper that stopped answering, before its connection is closed', async () => {
    await client.claim(others[0]!);
    fake.answering = () => (fake.heard.length > 1 ? { ok: true } : undefined);
    expect(await isHeldAgain()).toBe(true);
    await client.release(others[0]!);
    await client.close();
    expect(await until(() => fake.ended.includes(0))).toBe(true);
    expect(heardIn(0).filter((ask) => ask.type === 'release')).toEqual([release(others[0]!), release(own)]);
    expect(heardIn(0)).not.toContainEqual({ type: 'bye' });
  });
});

describe('a lease that is lost', () => {
  it('a lost lease is taken again with all claims in order, with one warning for the loss and one for the return', async () => {
    await client.open(own);
    for (const labels of others) await client.claim(labels);
    await client.release(others[0]!);
    fake.hangUp();
    await isHeldAgain();
    expect(heardIn(1)).toEqual([hello, claim(own), claim(others[1]!)]);
    expect(warnings).toEqual(['CASTOFF_LEASE_LOST', 'CASTOFF_LEASE_REGAINED']);
  });

  it('a client retries until it reaches a reaper, with one warning', async () => {
    await client.open(own);
    const { connect } = fake;
    let misses = 0;
    fake.connect = async () => {
      misses += 1;
      if (misses < 3) throw new Error('no reaper');
      return connect();
    };
    fake.hangUp();
    await isHeldAgain();
    expect(misses).toBe(3);
    expect(warnings).toEqual(['CASTOFF_LEASE_LOST', 'CASTOFF_LEASE_REGAINED']);
  });

  it('a lost lease is not reported as regained when the next reaper disconnects at once', async () => {
    await client.open(own);
    fake.answering = ({ type }) => {
      if (fake.heard.length === 2 && type === 'claim') setImmediate(() => fake.hangUp());
      return type === 'claim' && fake.heard.length === 2 ? undefined : { ok: true };
    };
    fake.hangUp();
    await until(() => fake.heard.length === 3 && client.isHeld);
    expect(warnings).toEqual(['CASTOFF_LEASE_LOST', 'CASTOFF_LEASE_REGAINED']);
  });

  it('claims made while no reaper is connected are made at the next one', async () => {
    await client.open(own);
    await client.claim(others[0]!);
    fake.answering = () => undefined;
    const claiming = client.claim(others[1]!);
    await until(() => heardIn(0).length === 4);
    fake.answering = () => ({ ok: true });
    fake.hangUp();
    await claiming;
    expect(heardIn(1)).toEqual([hello, claim(own), ...others.map((labels) => claim(labels))]);
  });

  it('a held claim that is made again while no reaper is connected waits for the next one', async () => {
    await client.open(own);
    fake.answering = ({ type }) => (type === 'claim' ? undefined : { ok: true });
    fake.hangUp();
    await until(() => warnings.length > 0);
    let isMade = false;
    const claiming = client.claim(own).then(() => (isMade = true));
    await until(() => fake.heard[1]?.length === 2);
    expect(isMade).toBe(false);
    fake.say('{"id":2,"ok":true}\n');
    await claiming;
  });

  it('a closed client stops retrying', async () => {
    await client.open(own);
    fake.connect = () => Promise.reject(new Error('no reaper'));
    fake.hangUp();
    await until(() => warnings.length > 0);
    await client.close();
    expect(fake.heard).toHaveLength(1);
    expect(warnings).toEqual(['CASTOFF_LEASE_LOST']);
  });
});
