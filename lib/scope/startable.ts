import { randomBytes } from 'node:crypto';
import { CastoffError } from '../core/errors';
import { creationLabels } from '../core/labels';
import { withTimeout, type TimeoutOptions } from '../core/timeout';
import type { ResourceKind } from '../core/kinds';
import { typeNameOf } from './dispose';
import { watchReadiness, watchServices } from './ready-watch';

/** An object whose `start()` resolves to something stoppable: a test container, a module or a `Network`. */
export interface Startable<S> {
  start(): Promise<S>;
}

/** `DockerComposeEnvironment`, which starts with `up()`. */
export interface ComposeStartable<S> {
  up(): Promise<S>;
}

/** `GenericContainer.fromDockerfile(…)`, whose `build()` resolves to a startable. */
export interface ImageBuilder<S> {
  build(image?: string, options?: { deleteOnExit: boolean }): Promise<Startable<S>>;
}

/** The labels, signal and callback that a scope passes to a start. */
export interface StartParameters {
  /** Put on the created container, so that a failed start can be rolled back. */
  readonly labels: Readonly<Record<string, string>>;
  /** When it aborts, steps that have not started yet are skipped. */
  readonly signal: AbortSignal;
  /** Called while a container that did not become ready still exists; never rejects. */
  readonly onUnready: (containerId: string) => Promise<void>;
}

/** How to start one kind of startable so that its resources carry castoff's labels or a known name. */
export interface StartPlan {
  /** The class of the startable: `PostgreSqlContainer`. */
  readonly what: string;
  /** `undefined`: it is not a resource on an engine, and only its own `stop` can end it. */
  readonly kind: ResourceKind | undefined;
  /** The future name of a network, image or Compose project, by which a failed start is rolled back. */
  readonly name?: string | undefined;
  start(parameters: StartParameters): Promise<unknown>;
}

/**
 * Plans the start of `startable` by its shape, since it may come from another copy of testcontainers.
 *
 * @throws CastoffError `CONFIG_INVALID` when it cannot be started, or must not be owned by a scope.
 */
export function planStart(startable: unknown): StartPlan {
  const what = typeNameOf(startable);
  if (!hasMethod(startable, 'start')) {
    if (hasMethod(startable, 'up')) return planCompose(what, startable);
    if (hasMethod(startable, 'build')) return planBuild(what, startable);
    const got = startable === null || startable === undefined ? String(startable) : `a ${what}`;
    throw new CastoffError(
      'CONFIG_INVALID',
      `scope.start: got ${got}; give something with start(), such as a GenericContainer`,
    );
  }
  if (hasMethod(startable, 'withLabels')) return planContainer(what, startable);
  return planNetwork(what, startable) ?? { what, kind: undefined, start: async () => startable.start() };
}

type Method<Name extends string> = { readonly [K in Name]: (...args: readonly unknown[]) => unknown };
type Starting = { start(): Promise<unknown> };

function hasMethod<Name extends string>(value: unknown, name: Name): value is Method<Name> & Starting {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, name) === 'function';
}

function planContainer(what: string, container: Method<'withLabels'> & Starting): StartPlan {
  if (Reflect.get(container, 'reuse') === true) {
    throw new CastoffError(
      'CONFIG_INVALID',
      `scope.start: this ${what} uses withReuse(), which outlives every scope; start it yourself, or drop withReuse()`,
    );
  }
  return {
    what,
    kind: 'container',
    start: ({ labels, signal, onUnready }) =>
      runInTurn(container, { what: `start ${what} after another start of it`, signal }, async () => {
        const restore = saveLabels(container);
        container.withLabels({ ...labels, ...creationLabels('container') });
        const unwatch = watchReadiness(container, onUnready);
        try {
          return await container.start();
        } finally {
          unwatch();
          restore();
        }
      }),
  };
}

/** Returns a function that restores the current labels: castoff does not own later starts by the user. */
function saveLabels(definition: object): () => void {
  const options: unknown = Reflect.get(definition, 'createOpts');
  if (typeof options !== 'object' || options === null) return () => undefined;
  const before = Object.getOwnPropertyDescriptor(options, 'Labels');
  return () => {
    if (before === undefined) Reflect.deleteProperty(options, 'Labels');
    else Object.defineProperty(options, 'Labels', before);
  };
}

const turns = new WeakMap<object, Promise<void>>();

// A definition has one set of labels: two concurrent starts would both use the labels of the second.
async function runInTurn<T>(definition: object, limits: TimeoutOptions, work: () => Promise<T>): Promise<T> {
  const before = turns.get(definition) ?? Promise.resolve();
  const { promise: finished, resolve: finish } = Promise.withResolvers<void>();
  turns.set(
    definition,
    before.then(() => finished),
  );
  try {
    await withTimeout(before, limits);
    return await work();
  } finally {
    finish();
  }
}

// A testcontainers Network takes no labels, but generates its name from the `uuid` of its constructor. A name
// generated in advance identifies it as well as a label.
function planNetwork(what: string, network: Starting): StartPlan | undefined {
  const generated = generatedName(network);
  if (generated !== undefined)
    return { what, kind: 'network', name: generated, start: async () => network.start() };
  const source: unknown = Reflect.get(network, 'uuid');
  if (!hasMethod(source, 'nextUuid')) return undefined;
  const name = String(source.nextUuid());
  return {
    what,
    kind: 'network',
    name,
    start: async () =>
      (Object.create(network, { uuid: { value: { nextUuid: () => name } } }) as Starting).start(),
  };
}

/** The name generated by testcontainers 8. A name that the user chose may not be unique, and is ignored. */
function generatedName(network: Starting): string | undefined {
  const options: unknown = Reflect.get(network, 'createNetworkOptions');
  const name: unknown =
    typeof options === 'object' && options !== null ? Reflect.get(options, 'name') : undefined;
  return typeof name === 'string' && /^[0-9a-f]{32}$/.test(name) ? name : undefined;
}

function planCompose(what: string, environment: Method<'up'>): StartPlan {
  if (Reflect.get(environment, 'recreate') === false) {
    throw new CastoffError(
      'CONFIG_INVALID',
      `scope.start: this ${what} uses withNoRecreate(), which shares its project with others; start it yourself, or drop withNoRecreate()`,
    );
  }
  const name: unknown = Reflect.get(environment, 'projectName');
  if (typeof name !== 'string') return { what, kind: undefined, start: async () => environment.up() };
  return {
    what,
    kind: 'compose-project',
    name,
    start: async ({ onUnready }) => {
      const unwatch = watchServices(environment, onUnready);
      try {
        return await environment.up();
      } finally {
        unwatch();
      }
    },
  };
}

function planBuild(what: string, builder: Method<'build'>): StartPlan {
  const name = `localhost/castoff:${randomBytes(8).toString('hex')}`;
  return { what, kind: 'image', name, start: async () => builder.build(name, { deleteOnExit: true }) };
}
