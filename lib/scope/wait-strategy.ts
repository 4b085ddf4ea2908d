import { currentStart } from './start-context';
import { recordWait } from './starts-under-way';

/** How testcontainers waits for a container to be ready. */
export interface WaitStrategy {
  getStartupTimeout?(): number;
  waitUntilReady(container: { readonly id: string }, ...rest: readonly unknown[]): Promise<unknown>;
}

/** Whether a value has the shape of a wait strategy of testcontainers. */
export function isWaitStrategy(value: unknown): value is WaitStrategy {
  return (
    typeof value === 'object' && value !== null && typeof Reflect.get(value, 'waitUntilReady') === 'function'
  );
}

/** Returns a copy of a strategy that records its wait, and calls `onUnready` before it rejects. */
export function watchStrategy(
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

/**
 * Describes what a wait strategy of testcontainers waits for, by its shape.
 *
 * @see testcontainers 12, LogWaitStrategy, HttpWaitStrategy, ShellWaitStrategy, CompositeWaitStrategy, and
 * the others by their names
 */
export function describeStrategy(strategy: object): string {
  const { message, path, port, command, waitStrategies } = strategy as Readonly<Record<string, unknown>>;
  if (Array.isArray(waitStrategies) && waitStrategies.length > 0)
    return waitStrategies.map((each: object) => describeStrategy(each)).join(' and ');
  if (typeof message === 'string') return `log '${message}'`;
  if (isRegExp(message)) return `log ${String(message)}`;
  if (typeof path === 'string' && typeof port === 'number') return `HTTP ${path} at port ${port}`;
  if (typeof command === 'string') return `command '${command}'`;
  const { name } = strategy.constructor;
  if (name.startsWith('HealthCheck')) return 'its health check';
  if (name.startsWith('HostPort')) return 'its ports';
  return name.startsWith('OneShot') ? 'its exit' : name;
}

// No `instanceof`: it may come from another realm.
function isRegExp(value: unknown): boolean {
  return Object.prototype.toString.call(value) === '[object RegExp]';
}
