import { CastoffError } from '../core/errors';
import { messageLines } from './close-report';

/** That a scope is closing or closed (`SCOPE_CLOSED`); where what came too late could not be ended, that failure is the cause. */
export function closedError(
  scope: string,
  what: string,
  failure: { readonly cause?: unknown } = {},
): CastoffError {
  const words = 'cause' in failure ? `, and ending it failed: ${messageLines(failure.cause).join('\n')}` : '';
  return new CastoffError('SCOPE_CLOSED', `scope ${scope}: cannot ${what}, it is closed${words}`, failure);
}

/** The same about something that exists, once `ending` it is over. */
export async function refusal(scope: string, what: string, ending: Promise<unknown>): Promise<CastoffError> {
  const [end] = await Promise.allSettled([ending]);
  return closedError(scope, what, end.status === 'rejected' ? { cause: end.reason } : {});
}
