import { describe, expect, it, jest } from '@jest/globals';
import { openScope } from '../../lib/index';
import type { StartParameters } from '../../lib/scope/start-plan';
import { planStart } from '../../lib/scope/startable';
import { rejectionOf } from '../support/rejection';

const parameters: StartParameters = {
  labels: { 'castoff.start': 'one' },
  signal: new AbortController().signal,
  onUnready: async () => undefined,
};

interface Strategy {
  waitUntilReady(container: { id: string }): Promise<void>;
}

/** The parts of testcontainers' GenericContainer that a start uses, with a start() from the spec. */
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

describe('planStart', () => {
  it.each([
    ['null', null],
    ['undefined', undefined],
    ['a number', 7],
    ['a string', 'postgres:17'],
    ['a Object', {}],
    ['a Object', { start: 'now' }],
    ['a Map', new Map()],
  ])('rejects a value without start(): %s', async (got, startable) => {
    await using scope = openScope();
    expect(await rejectionOf(scope.start(startable as never))).toMatchObject({
      code: 'CONFIG_INVALID',
      message: `scope.start: got ${got}; give something with start(), such as a GenericContainer`,
    });
  });

  it('rejects a Compose environment with withNoRecreate(), which shares its project with others', async () => {
    const up = jest.fn(async () => ({ down: () => undefined }));
    const environment = { projectName: 'testcontainers-node', recreate: false, up };
    expect(await rejectionOf(openScope('s').start(environment))).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('uses withNoRecreate(), which shares its project with others'),
    });
    expect(up).not.toHaveBeenCalled();
  });

  it('rejects a container with withReuse(), which outlives every scope', async () => {
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
    ['a Network, by its name generator', { start() {}, uuid: { nextUuid: () => 'n1' } }, 'network'],
    ['a Compose environment, by up()', { up() {}, projectName: 'p1' }, 'compose-project'],
    ['a Dockerfile builder, by build()', { build() {} }, 'image'],
    ['an object that is not on an engine', { start() {} }, undefined],
    ['an object that is not on an engine and also has build()', { start() {}, build() {} }, undefined],
    ['an object that is not on an engine and also has up()', { start() {}, up() {} }, undefined],
    ['a container that also has up()', { start() {}, up() {}, withLabels() {} }, 'container'],
    ['an object that is not on an engine and starts with up()', { up() {} }, undefined],
  ])('recognizes by its shape: %s', (_what, startable, kind) => {
    expect(planStart(startable).kind).toBe(kind);
  });

  it('starts an object without start() by up()', async () => {
    const up = jest.fn(() => Promise.resolve('up'));
    expect(await planStart({ up }).start(parameters)).toBe('up');
  });
});

describe('the start of a container definition', () => {
  it('adds the labels of the start to those of the definition', async () => {
    let seen: unknown;
    const definition = new Definition(async ({ createOpts }) => void (seen = createOpts.Labels));
    await planStart(definition).start(parameters);
    expect(seen).toEqual({
      mine: 'kept',
      'castoff.start': 'one',
      'castoff.kind': 'container',
      'castoff.nonce': expect.stringMatching(/^[0-9a-f]{16}$/),
    });
  });

  it.each([
    ['successfully', async () => 'started'],
    ['with a rejection', () => Promise.reject(new Error('no'))],
    [
      'by throwing',
      () => {
        throw new Error('no');
      },
    ],
  ])('restores the definition after it has ended %s', async (_how, start) => {
    const definition = new Definition(start);
    const labels = definition.createOpts.Labels;
    await planStart(definition)
      .start(parameters)
      .catch(() => undefined); // Two of the rows fail.
    expect(definition.createOpts.Labels).toBe(labels);
    expect(labels).toEqual({ mine: 'kept' });
    expect(Object.keys(definition)).not.toContain('selectWaitStrategy');
    expect(Object.getOwnPropertyDescriptor(definition, 'selectWaitStrategy')).toBeUndefined();
  });

  it('removes the labels from a definition that had none', async () => {
    const definition = new Definition(async () => undefined);
    delete definition.createOpts.Labels;
    await planStart(definition).start(parameters);
    expect('Labels' in definition.createOpts).toBe(false);
  });

  it('restores the own selectWaitStrategy of a definition', async () => {
    const definition = new Definition(async () => undefined);
    const own = async () => undefined;
    Object.assign(definition, { selectWaitStrategy: own });
    await planStart(definition).start(parameters);
    expect(Reflect.get(definition, 'selectWaitStrategy')).toBe(own);
  });

  it('runs two concurrent starts of a definition in turn, each with its own labels', async () => {
    const seen: unknown[] = [];
    const definition = new Definition(async ({ createOpts }) => {
      await new Promise(setImmediate);
      seen.push(createOpts.Labels?.['castoff.start']);
    });
    const starts = ['one', 'two'].map((start) =>
      planStart(definition).start({ ...parameters, labels: { 'castoff.start': start } }),
    );
    await Promise.all(starts);
    expect(seen).toEqual(['one', 'two']);
    expect(definition.createOpts.Labels).toEqual({ mine: 'kept' });
  });

  it('does not call start() when it is aborted while another start of the definition runs', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const start = jest.fn(() => promise);
    const definition = new Definition(start);
    const user = new AbortController();
    const first = planStart(definition).start(parameters);
    const second = planStart(definition).start({ ...parameters, signal: user.signal });
    const reason = new Error('no longer wanted');
    user.abort(reason);
    expect(await rejectionOf(second)).toBe(reason);
    const third = planStart(definition).start(parameters);
    await new Promise(setImmediate);
    expect(start).toHaveBeenCalledTimes(1);
    resolve();
    await Promise.all([first, third]);
    expect(start).toHaveBeenCalledTimes(2);
  });

  it('runs after a failed start of the same definition', async () => {
    const start = jest.fn<() => Promise<unknown>>().mockRejectedValueOnce(new Error('no'));
    start.mockResolvedValueOnce('started');
    const definition = new Definition(start);
    const starts = await Promise.allSettled([
      planStart(definition).start(parameters),
      planStart(definition).start(parameters),
    ]);
    expect(starts).toMatchObject([{ status: 'rejected' }, { status: 'fulfilled', value: 'started' }]);
  });
});

describe('the wait strategy of a container', () => {
  /** A strategy with private state, as a user's own class may have. */
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

  it('reports the unready container before the start fails with the same error', async () => {
    const unready: string[] = [];
    const definition = new Definition(startAndWait, new SlowStrategy());
    const onUnready = async (id: string) => void unready.push(id);
    const error = await rejectionOf(planStart(definition).start({ ...parameters, onUnready }));
    expect(unready).toEqual(['c1']);
    expect(error).toMatchObject({ message: 'not ready' });
  });

  it('keeps the startup timeout of the definition', async () => {
    const strategy = new SlowStrategy();
    await rejectionOf(planStart(new Definition(startAndWait, strategy)).start(parameters));
    expect(strategy.waitedFor).toEqual([['c1', 500]]);
  });
});

describe('the plan of a network', () => {
  it('takes a name from the generator of the network in advance, and leaves the generator unchanged', async () => {
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
    expect(await plan.start(parameters)).toBe('n1');
    expect(uuid.nextUuid).toHaveBeenCalledTimes(1);
    expect(network.uuid).toBe(uuid);
  });
});
