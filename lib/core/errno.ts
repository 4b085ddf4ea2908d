/** Returns the code of a system error, such as `ENOENT`. */
export function errnoOf(error: unknown): string | undefined {
  const code: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' ? code : undefined;
}

/**
 * Returns what `call` returns, or `otherwise` when it fails with one of the expected codes.
 *
 * @throws any other error of `call`.
 */
export function tolerate<T, U>(codes: readonly string[], call: () => T, otherwise: U): T | U {
  try {
    return call();
  } catch (error) {
    if (codes.includes(errnoOf(error) ?? '')) return otherwise;
    throw error;
  }
}
