import { currentStart } from './start-context';
import { describeStrategy, noteWait } from './starts-under-way';

type SelectWaitStrategy = (...given: readonly unknown[]) => Promise<unknown>;

interface WaitStrategy {
  getStartupTimeout?(): number;
  waitUntilReady(container: { readonly id: string }, ...rest: readonly unknown[]): Promise<unknown>;
}

const choosing = 'selectWaitStrategy';

/**
 * Calls `onNotReady`, which never rejects, when a container of `definition` did not become ready, before testcontainers
 * removes it with all that it had to say. Returns what takes the watch off again. Where a testcontainers has no place for it,
 * nothing is watched.
 *
 * @see testcontainers 12, GenericContainer.selectWaitStrategy and waitForContainer: stop and remove, then rethrow
 */
export function watchReadiness(
  definition: object,
  onNotReady: (containerId: string) => Promise<void>,
): () => void {
  const select: unknown = Reflect.get(definition, choosing);
  if (typeof select !== 'function') return () => undefined;
  const own = Object.getOwnPropertyDescriptor(definition, choosing);
  const watched: SelectWaitStrategy = async (...given) =>
    watchStrategy((await Reflect.apply(select, definition, given)) as WaitStrategy, onNotReady);
  Object.defineProperty(definition, choosing, { value: watched, configurable: true, writable: true });
  return () => {
    if (own === undefined) Reflect.deleteProperty(definition, choosing);
    else Object.defineProperty(definition, choosing, own);
  };
}

/**
 * The same for the services of a Compose `environment`, as far as its user says what they are waited for.
 *
 * @see testcontainers 12, DockerComposeEnvironment.up: `compose down`, then rethrow
 */
export function watchServices(
  environment: object,
  onNotReady: (containerId: string) => Promise<void>,
): () => void {
  const { waitStrategy, defaultWaitStrategy } = environment as Readonly<Record<string, unknown>>;
  const watched = new Map<string, unknown>();
  if (isStrategy(defaultWaitStrategy))
    watched.set('defaultWaitStrategy', watchStrategy(defaultWaitStrategy, onNotReady));
  if (typeof waitStrategy === 'object' && waitStrategy !== null) {
    const each = Object.entries(waitStrategy).map(([name, strategy]: [string, unknown]) => [
      name,
      isStrategy(strategy) ? watchStrategy(strategy, onNotReady) : strategy,
    ]);
    watched.set('waitStrategy', Object.fromEntries(each));
  }
  for (const [name, value] of watched) Reflect.set(environment, name, value);
  return () => {
    if (watched.has('waitStrategy')) Reflect.set(environment, 'waitStrategy', waitStrategy);
    if (watched.has('defaultWaitStrategy'))
      Reflect.set(environment, 'defaultWaitStrategy', defaultWaitStrategy);
  };
}

function isStrategy(value: unknown): value is WaitStrategy {
  return (
    typeof value === 'object' && value !== null && typeof Reflect.get(value, 'waitUntilReady') === 'function'
  );
}

function watchStrategy(
  strategy: WaitStrategy,
  onNotReady: (containerId: string) => Promise<void>,
): WaitStrategy {
  const waitUntilReady: WaitStrategy['waitUntilReady'] = async (container, ...rest) => {
    const start = currentStart();
    if (start !== undefined) {
      const limitMs = strategy.getStartupTimeout?.();
      const what = describeStrategy(strategy);
      noteWait(start.key, { containerId: container.id, what, limitMs, sinceMs: performance.now() });
    }
    try {
      return await strategy.waitUntilReady(container, ...rest);
    } catch (error) {
      await onNotReady(container.id);
      throw error;
    }
  };
  return new Proxy(strategy, {
    get(target, name) {
      if (name === 'waitUntilReady') return waitUntilReady;
      const value: unknown = Reflect.get(target, name);
      // Set and asked on the strategy itself, which may have private state: testcontainers hands it its startup timeout.
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
