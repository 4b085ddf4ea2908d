import { describe, expect, it, jest } from '@jest/globals';
import { openScope } from '../../lib/index';
import { planStart, type StartParameters } from '../../lib/scope/startable';
import { rejectionOf } from '../support/rejection';

const mark: StartParameters = {
  labels: { 'castoff.start': 'one' },
  signal: new AbortController().signal,
  onUnready: async () => undefined,
};

interface Strategy {
  waitUntilReady(container: { id: string }): Promise<void>;
}

/** As much of testcontainers' GenericContainer as a start touches: the start itself is the spec's. */
class Definition {
  createOpts: { Labels?: Record<string, string> } = { Labels: { mine: 'kept' } };
  startupTimeoutMs: number | undefined;
  readonly #start: (definition: Definition) => Promise<unknown>;
  readonly #strategy: Strategy | undefined;

  constructor(start: (definition: Definition) => Promise<unknown>, strategy?: Strategy) {
    this.#start = start;
    this.#strategy = strategy;
  }

  withLabels(labels: Record<string, string>): this {
    this.createOpts.Labels = { ...this.createOpts.Labels, ...labels };
    return this;
  }

  start(): Promise<unknown> {
    return this.#start(this);
  }

  async selectWaitStrategy(): Promise<Strategy | undefined> {
    return this.#strategy;
  }
}

describe('what a scope can start', () => {
  it.each([
    ['null', null],
    ['undefined', undefined],
    ['a number', 7],
    ['a string', 'postgres:17'],
    ['a Object', {}],
    ['a Object', { start: 'now' }],
    ['a Map', new Map()],
  ])('is nothing without start(): %s', async (got, startable) => {
    await using scope = openScope();
    expect(await rejectionOf(scope.start(startable as never))).toMatchObject({
      code: 'CONFIG_INVALID',
      message: `scope.start: got ${got}; give something with start(), such as a GenericContainer`,
    });
  });

  it('is no Compose environment that shares its project with others: withNoRecreate()', async () => {
    const up = jest.fn(async () => ({ down: () => undefined }));
    const environment = { projectName: 'testcontainers-node', recreate: false, up };
    expect(await rejectionOf(openScope('s').start(environment))).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('uses withNoRecreate(), which shares its project with others'),
    });
    expect(up).not.toHaveBeenCalled();
  });

  it('is no container that outlives every scope: withReuse()', async () => {
    await using scope = openScope();
    const start = jest.fn(() => Promise.resolve({}));
    const definition = Object.assign(new Definition(start), { reuse: true });
    expect(await rejectionOf(scope.start(definition))).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('Definition uses withReuse(), which outlives every scope'),
    });
    expect(start).not.toHaveBeenCalled();
  });

  it.each([
    ['a container, by withLabels()', { start() {}, withLabels() {} }, 'container'],
    ['a Network, by where its name comes from', { start() {}, uuid: { nextUuid: () => 'n1' } }, 'network'],
    ['a Compose environment, by up()', { up() {}, projectName: 'p1' }, 'compose-project'],
    ['a Dockerfile builder, by build()', { build() {} }, 'image'],
    ['something on no engine', { start() {} }, undefined],
    ['something on no engine that also has a build()', { start() {}, build() {} }, undefined],
    ['something on no engine that also has an up()', { start() {}, up() {} }, undefined],
    ['a container that also has an up()', { start() {}, up() {}, withLabels() {} }, 'container'],
    ['something on no engine whose start is up()', { up() {} }, undefined],
  ])('is known by its shape: %s', (_what, startable, kind) => {
    expect(planStart(startable).kind).toBe(kind);
  });

  it('starts by up() what has no start()', async () => {
    const up = jest.fn(() => Promise.resolve('up'));
    expect(await planStart({ up }).start(mark)).toBe('up');
  });
});

describe('a definition of a container', () => {
  it('carries the labels of its start beside its own, while it starts', async () => {
    let seen: unknown;
    const definition = new Definition(async ({ createOpts }) => void (seen = createOpts.Labels));
    await planStart(definition).start(mark);
    expect(seen).toEqual({
      mine: 'kept',
      'castoff.start': 'one',
      'castoff.kind': 'container',
      'castoff.nonce': expect.stringMatching(/^[0-9a-f]{16}$/),
    });
  });

  it.each([
    ['well', async () => 'started'],
    ['badly', () => Promise.reject(new Error('no'))],
    [
      'at once',
      () => {
        throw new Error('no');
      },
    ],
  ])('is as it was when its start has ended %s', async (_how, start) => {
    const definition = new Definition(start);
    const labels = definition.createOpts.Labels;
    await planStart(definition)
      .start(mark)
      .catch(() => undefined); // One of the two throws.
    expect(definition.createOpts.Labels).toBe(labels);
    expect(labels).toEqual({ mine: 'kept' });
    expect(Object.keys(definition)).not.toContain('selectWaitStrategy');
    expect(Object.getOwnPropertyDescriptor(definition, 'selectWaitStrategy')).toBeUndefined();
  });

  it('has no labels again where it had none', async () => {
    const definition = new Definition(async () => undefined);
    delete definition.createOpts.Labels;
    await planStart(definition).start(mark);
    expect('Labels' in definition.createOpts).toBe(false);
  });

  it('keeps a way of its own to choose what it waits for', async () => {
    const definition = new Definition(async () => undefined);
    const own = async () => undefined;
    Object.assign(definition, { selectWaitStrategy: own });
    await planStart(definition).start(mark);
    expect(Reflect.get(definition, 'selectWaitStrategy')).toBe(own);
  });

  it('started twice at once carries the labels of each start in turn', async () => {
    const seen: unknown[] = [];
    const definition = new Definition(async ({ createOpts }) => {
      await new Promise(setImmediate);
      seen.push(createOpts.Labels?.['castoff.start']);
    });
    const starts = ['one', 'two'].map((start) =>
      planStart(definition).start({ ...mark, labels: { 'castoff.start': start } }),
    );
    await Promise.all(starts);
    expect(seen).toEqual(['one', 'two']);
    expect(definition.createOpts.Labels).toEqual({ mine: 'kept' });
  });

  it('is not started when that is aborted while another start of it is under way', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const start = jest.fn(() => promise);
    const definition = new Definition(start);
    const user = new AbortController();
    const first = planStart(definition).start(mark);
    const second = planStart(definition).start({ ...mark, signal: user.signal });
    const reason = new Error('no longer wanted');
    user.abort(reason);
    expect(await rejectionOf(second)).toBe(reason);
    const third = planStart(definition).start(mark);
    await new Promise(setImmediate);
    expect(start).toHaveBeenCalledTimes(1);
    resolve();
    await Promise.all([first, third]);
    expect(start).toHaveBeenCalledTimes(2);
  });

  it('starts again after a start that failed', async () => {
    const start = jest.fn<() => Promise<unknown>>().mockRejectedValueOnce(new Error('no'));
    start.mockResolvedValueOnce('started');
    const definition = new Definition(start);
    const starts = await Promise.allSettled([
      planStart(definition).start(mark),
      planStart(definition).start(mark),
    ]);
    expect(starts).toMatchObject([{ status: 'rejected' }, { status: 'fulfilled', value: 'started' }]);
  });
});

describe('what a container waits for', () => {
  /** Waits as testcontainers does, and has private state as a class of its own may. */
  class SlowStrategy implements Strategy {
    #timeoutMs = 60_000;
    readonly waitedFor: [string, number][] = [];

    withStartupTimeout(timeoutMs: number): this {
      this.#timeoutMs = timeoutMs;
      return this;
    }

    async waitUntilReady({ id }: { id: string }): Promise<void> {
      this.waitedFor.push([id, this.#timeoutMs]);
      throw new Error('not ready');
    }
  }

  /** @see testcontainers 12, GenericContainer.startContainer */
  const startAndWait = async (definition: Definition): Promise<void> => {
    const strategy = (await definition.selectWaitStrategy()) as SlowStrategy;
    strategy.withStartupTimeout(500);
    await strategy.waitUntilReady({ id: 'c1' });
  };

  it('is told the container that did not become ready, before the start fails with the same error', async () => {
    const notReady: string[] = [];
    const definition = new Definition(startAndWait, new SlowStrategy());
    const onUnready = async (id: string) => void notReady.push(id);
    const error = await rejectionOf(planStart(definition).start({ ...mark, onUnready }));
    expect(notReady).toEqual(['c1']);
    expect(error).toMatchObject({ message: 'not ready' });
  });

  it('waits as long as the definition says', async () => {
    const strategy = new SlowStrategy();
    await rejectionOf(planStart(new Definition(startAndWait, strategy)).start(mark));
    expect(strategy.waitedFor).toEqual([['c1', 500]]);
  });
});

describe('a network', () => {
  it('is started under the name that its plan tells, drawn from its own source, which stays as it was', async () => {
    const uuid = { nextUuid: jest.fn(() => 'n1') };
    class Network {
      readonly uuid = uuid;
      async start(): Promise<string> {
        return this.uuid.nextUuid();
      }
    }
    const network = new Network();
    const plan = planStart(network);
    expect(plan).toMatchObject({ what: 'Network', name: 'n1' });
    expect(await plan.start(mark)).toBe('n1');
    expect(uuid.nextUuid).toHaveBeenCalledTimes(1);
    expect(network.uuid).toBe(uuid);
  });
});
