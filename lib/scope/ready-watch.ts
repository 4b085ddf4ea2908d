type SelectWaitStrategy = (...given: readonly unknown[]) => Promise<unknown>;

interface WaitStrategy {
  waitUntilReady(container: { readonly id: string }, ...rest: readonly unknown[]): Promise<unknown>;
}

/**
 * Calls `onNotReady` when a container of `definition` did not become ready, before testcontainers removes it with all that it
 * had to say. Returns what takes the watch off again. Where a testcontainers has no place for it, nothing is watched.
 *
 * @see testcontainers 12, GenericContainer.selectWaitStrategy and waitForContainer: stop and remove, then rethrow
 */
export function watchReadiness(
  definition: object,
  onNotReady: (containerId: string) => Promise<void>,
): () => void {
  const select: unknown = Reflect.get(definition, 'selectWaitStrategy');
  if (typeof select !== 'function') return () => undefined;
  const watched: SelectWaitStrategy = async (...given) =>
    watchStrategy(await Reflect.apply(select, definition, given), onNotReady);
  Object.defineProperty(definition, 'selectWaitStrategy', {
    value: watched,
    configurable: true,
    writable: true,
  });
  return () => void Reflect.deleteProperty(definition, 'selectWaitStrategy');
}

function watchStrategy(
  strategy: WaitStrategy,
  onNotReady: (containerId: string) => Promise<void>,
): WaitStrategy {
  return Object.create(strategy, {
    waitUntilReady: {
      async value(...[container, ...rest]: Parameters<WaitStrategy['waitUntilReady']>) {
        try {
          return await strategy.waitUntilReady(container, ...rest);
        } catch (error) {
          await onNotReady(container.id);
          throw error;
        }
      },
    },
  }) as WaitStrategy;
}
