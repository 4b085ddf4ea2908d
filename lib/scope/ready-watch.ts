import { isWaitStrategy, watchStrategy, type WaitStrategy } from './wait-strategy';

type SelectWaitStrategy = (...given: readonly unknown[]) => Promise<unknown>;

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
  if (isWaitStrategy(defaultWaitStrategy))
    watched.set('defaultWaitStrategy', watchStrategy(defaultWaitStrategy, onUnready));
  if (typeof waitStrategy === 'object' && waitStrategy !== null) {
    const each = Object.entries(waitStrategy).map(([name, strategy]: [string, unknown]) => [
      name,
      isWaitStrategy(strategy) ? watchStrategy(strategy, onUnready) : strategy,
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
