import { CastoffError, messageLines } from '../core/errors';

/**
 * Creates the error of a call on a scope that is closing or closed (`SCOPE_CLOSED`).
 *
 * @param failure - The failed cleanup of a resource that was added too late; becomes the `cause`.
 */
export function closedError(
  scope: string,
  what: string,
  failure: { readonly cause?: unknown } = {},
): CastoffError {
  const suffix =
    'cause' in failure ? `, and its cleanup failed: ${messageLines(failure.cause).join('\n')}` : '';
  return new CastoffError(
    'SCOPE_CLOSED',
    `scope ${scope}: cannot ${what}: the scope is closed${suffix}`,
    failure,
  );
}

/**
 * Waits for `disposal`, then resolves to the error of {@link closedError}, with the failure of `disposal` as
 * its cause.
 */
export async function closedErrorAfter(
  scope: string,
  what: string,
  disposal: Promise<unknown>,
): Promise<CastoffError> {
  const [end] = await Promise.allSettled([disposal]);
  return closedError(scope, what, end.status === 'rejected' ? { cause: end.reason } : {});
}
