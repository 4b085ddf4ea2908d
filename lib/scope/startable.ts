import { CastoffError } from '../core/errors';
import { randomHex } from '../core/random-hex';
import { typeNameOf } from './dispose';
import { planContainer } from './plan-container';
import { planNetwork } from './plan-network';
import { watchServices } from './ready-watch';
import { hasMethod, type Method, type StartPlan } from './start-plan';

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

/** Plans a start by shape: it may be of another testcontainers. @throws CastoffError `CONFIG_INVALID` */
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
  const name = `localhost/castoff:${randomHex(8)}`;
  return { what, kind: 'image', name, start: async () => builder.build(name, { deleteOnExit: true }) };
}
