import type { FetchRequest } from './fetch-request';

/** Whether a request may use a unix socket, which only its dispatcher knows: the URL then has no port. */
export function mayUseSocket({ origin }: FetchRequest): boolean {
  return /^http:\/\/[^:]*$/.test(String(origin));
}
