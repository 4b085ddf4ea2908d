import { randomBytes } from 'node:crypto';
import { CastoffError } from '../core/errors';
import { creationLabels } from '../core/labels';
import { withTimeout, type TimeoutOptions } from '../core/timeout';
import type { ResourceKind } from '../resources/kind';
import { describeDisposable } from './dispose';
import { watchReadiness, watchServices } from './ready-watch';

/** Something whose `start()` gives something stoppable: test containers and modules, `Network`, anything of that shape. */
export interface Startable<S> {
  start(): Promise<S>;
}

/** `DockerComposeEnvironment`: it is started by `up()`. */
export interface ComposeStartable<S> {
  up(): Promise<S>;
}

/** `GenericContainer.fromDockerfile(…)`: it builds what can be started. */
export interface ImageBuilder<S> {
  build(image?: string, options?: { deleteOnExit: boolean }): Promise<Startable<S>>;
}

/** What a start is given, so that what it makes can be found and understood. */
export interface StartMark {
  readonly labels: Readonly<Record<string, string>>;
  /** Aborted: what has not been begun is not wanted any more. */
  readonly signal: AbortSignal;
  /** Called while a container that did not become ready is still there; never rejects. */
  readonly onNotReady: (containerId: string) => Promise<void>;
}

/** How one kind of startable is made to carry our labels or a known name, started, and found again when its start fails. */
export interface StartPlan {
  /** What people call it: `PostgreSqlContainer`. */
  readonly what: string;
  /** `undefined`: nothing on an engine; it is only known by its own `stop`. */
  readonly kind: ResourceKind | undefined;
  /** The name that it will have, where that is known before it exists and is its mark: networks and Compose projects. */
  readonly name?: string | undefined;
  begin(mark: StartMark): Promise<unknown>;
}

/**
 * How to start `startable`, by its shape: instances come from other copies of testcontainers than ours.
 *
 * @throws CastoffError `CONFIG_INVALID` for what cannot be started, or must not be owned by a scope.
 */
export function planStart(startable: unknown): StartPlan {
  const what = describeDisposable(startable);
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
  return planNetwork(what, startable) ?? { what, kind: undefined, begin: async () => startable.start() };
}

type Method<Name extends string> = { readonly [K in Name]: (...args: readonly unknown[]) => unknown };
type Starting = { start(): Promise<unknown> };

function hasMethod<Name extends string>(thing: unknown, name: Name): thing is Method<Name> & Starting {
  return typeof thing === 'object' && thing !== null && typeof Reflect.get(thing, name) === 'function';
}

function planContainer(what: string, container: Method<'withLabels'> & Starting): StartPlan {
  if (Reflect.get(container, 'reuse') === true) {
    throw new CastoffError(
      'CONFIG_INVALID',
      `scope.start: this ${what} is withReuse(), which outlives every scope; start it yourself, or drop withReuse()`,
    );
  }
  return {
    what,
    kind: 'container',
    begin: ({ labels, signal, onNotReady }) =>
      inTurn(container, { what: `start ${what} after another start of it`, signal }, async () => {
        const restore = keepLabels(container);
        container.withLabels({ ...labels, ...creationLabels('container') });
        const unwatch = watchReadiness(container, onNotReady);
        try {
          return await container.start();
        } finally {
          unwatch();
          restore();
        }
      }),
  };
}

/** Returns what makes the definition's labels be as they are now: what the user starts from it themselves is not ours. */
function keepLabels(definition: object): () => void {
  const options: unknown = Reflect.get(definition, 'createOpts');
  if (typeof options !== 'object' || options === null) return () => undefined;
  const before = Object.getOwnPropertyDescriptor(options, 'Labels');
  return () => {
    if (before === undefined) Reflect.deleteProperty(options, 'Labels');
    else Object.defineProperty(options, 'Labels', before);
  };
}

const turns = new WeakMap<object, Promise<void>>();

// A definition carries one set of labels: two starts of one definition at once would both carry the second's.
async function inTurn<T>(definition: object, limits: TimeoutOptions, work: () => Promise<T>): Promise<T> {
  const before = turns.get(definition) ?? Promise.resolve();
  const { promise: over, resolve: end } = Promise.withResolvers<void>();
  turns.set(
    definition,
    before.then(() => over),
  );
  try {
    await withTimeout(before, limits);
    return await work();
  } finally {
    end();
  }
}

// testcontainers' Network takes no labels, but draws its name from the `uuid` that its constructor takes: a name drawn
// beforehand is as good a mark.
function planNetwork(what: string, network: Starting): StartPlan | undefined {
  const drawn = drawnName(network);
  if (drawn !== undefined) return { what, kind: 'network', name: drawn, begin: async () => network.start() };
  const source: unknown = Reflect.get(network, 'uuid');
  if (!hasMethod(source, 'nextUuid')) return undefined;
  const name = String(source.nextUuid());
  return {
    what,
    kind: 'network',
    name,
    begin: async () =>
      (Object.create(network, { uuid: { value: { nextUuid: () => name } } }) as Starting).start(),
  };
}

/** testcontainers 8 draws it in the constructor. A name that a user has given there is no mark. */
function drawnName(network: Starting): string | undefined {
  const options: unknown = Reflect.get(network, 'createNetworkOptions');
  const name: unknown =
    typeof options === 'object' && options !== null ? Reflect.get(options, 'name') : undefined;
  return typeof name === 'string' && /^[0-9a-f]{32}$/.test(name) ? name : undefined;
}

function planCompose(what: string, environment: Method<'up'>): StartPlan {
  if (Reflect.get(environment, 'recreate') === false) {
    throw new CastoffError(
      'CONFIG_INVALID',
      `scope.start: this ${what} is withNoRecreate(), which shares its project with others; start it yourself, or drop withNoRecreate()`,
    );
  }
  const name: unknown = Reflect.get(environment, 'projectName');
  if (typeof name !== 'string') return { what, kind: undefined, begin: async () => environment.up() };
  return {
    what,
    kind: 'compose-project',
    name,
    begin: async ({ onNotReady }) => {
      const unwatch = watchServices(environment, onNotReady);
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
  return { what, kind: 'image', name, begin: async () => builder.build(name, { deleteOnExit: true }) };
}
