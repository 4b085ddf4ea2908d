import { currentStart } from './start-context';
import { describeStrategy, recordWait } from './starts-under-way';

type SelectWaitStrategy = (...given: readonly unknown[]) => Promise<unknown>;

interface WaitStrategy {
  getStartupTimeout?(): number;
  waitUntilReady(container: { readonly id: string }, ...rest: readonly unknown[]): Promise<unknown>;
}

const selectorName = 'selectWaitStrategy';

/**
 * Calls `onUnready` when a container of `definition` does not become ready, before testcontainers removes it
 * and its logs. Returns a function that removes the watch. Does nothing on a version of testcontainers
 * without `selectWaitStrategy`.
 *
 * @param onUnready - Must not reject.
 * @see testcontainers 12, GenericContainer.selectWaitStrategy and waitForContainer: stop and remove, then
 * rethrow
 */
export function watchReadiness(
  definition: object,
  onUnready: (containerId: string) => Promise<void>,
): () => void {
  const select: unknown = Reflect.get(definition, selectorName);
  if (typeof select !== 'function') return () => undefined;
  const own = Object.getOwnPropertyDescriptor(definition, selectorName);
  const watched: SelectWaitStrategy = async (...given) =>
    watchStrategy((await Reflect.apply(select, definition, given)) as WaitStrategy, onUnready);
  Object.defineProperty(definition, selectorName, { value: watched, configurable: true, writable: true });
  return () => {
    if (own === undefined) Reflect.deleteProperty(definition, selectorName);
    else Object.defineProperty(definition, selectorName, own);
  };
}

/**
 * Like {@link watchReadiness}, for the services of a Compose environment that have a wait strategy.
 *
 * @see testcontainers 12, DockerComposeEnvironment.up: `compose down`, then rethrow
 */
export function watchServices(
  environment: object,
  onUnready: (containerId: string) => Promise<void>,
): () => void {
  const { waitStrategy, defaultWaitStrategy } = environment as Readonly<Record<string, unknown>>;
  const watched = new Map<string, unknown>();
  if (isStrategy(defaultWaitStrategy))
    watched.set('defaultWaitStrategy', watchStrategy(defaultWaitStrategy, onUnready));
  if (typeof waitStrategy === 'object' && waitStrategy !== null) {
    const each = Object.entries(waitStrategy).map(([name, strategy]: [string, unknown]) => [
      name,
      isStrategy(strategy) ? watchStrategy(strategy, onUnready) : strategy,
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
  onUnready: (containerId: string) => Promise<void>,
): WaitStrategy {
  const waitUntilReady: WaitStrategy['waitUntilReady'] = async (container, ...rest) => {
    const start = currentStart();
    if (start !== undefined) {
      const limitMs = strategy.getStartupTimeout?.();
      const what = describeStrategy(strategy);
      recordWait(start.key, { containerId: container.id, what, limitMs, sinceMs: performance.now() });
    }
    try {
      return await strategy.waitUntilReady(container, ...rest);
    } catch (error) {
      await onUnready(container.id);
      throw error;
    }
  };
  return new Proxy(strategy, {
    get(target, name) {
      if (name === 'waitUntilReady') return waitUntilReady;
      const value: unknown = Reflect.get(target, name);
      // Bound to the strategy itself, which may have private fields: testcontainers sets its startup timeout.
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
