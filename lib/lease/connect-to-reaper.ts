import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { CastoffError, isCastoffError, messageOf } from '../core/errors';
import { withTimeout } from '../core/timeout';
import { parseReaperAddress, type ReaperAddress, type ReaperTarget } from './reaper-address';

const connectTimeoutMs = 5_000;
const keepAliveMs = 15_000;

/**
 * Connects to the reaper, within 5 s. The connection does not keep the process alive.
 *
 * @throws CastoffError `REAPER_UNAVAILABLE` with the address, and what to check.
 */
export async function connectToReaper({ address }: ReaperAddress): Promise<Socket> {
  const target = parseReaperAddress(address);
  if (target === undefined) throw new CastoffError('CONFIG_INVALID', `reaper at ${address}: invalid address`);
  const stream = 'path' in target ? connect(target) : connect({ ...target, noDelay: true });
  try {
    const limits = { what: 'connect', timeoutMs: connectTimeoutMs };
    await withTimeout(once(stream, 'connect'), limits);
  } catch (cause) {
    stream.destroy();
    const advice = `check that it runs, and that it listens there (castoff reaper run ${flagsOf(target)})`;
    const message = `connect to the reaper at ${address}: ${messageOf(cause)}; ${advice}`;
    throw new CastoffError('REAPER_UNAVAILABLE', message, { cause });
  }
  stream.setKeepAlive(true, keepAliveMs);
  return stream.unref();
}

/** Returns the error of a lease that could not be taken there: what happened, and what to try. */
export function leaseRefused({ address, token }: ReaperAddress, cause: unknown): CastoffError {
  if (isCastoffError(cause, 'REAPER_UNAVAILABLE')) return cause;
  const reason = messageOf(cause);
  const isAboutToken = reason.includes('requires a token');
  const given = token === undefined ? 'none was given' : 'the given one is another';
  const tokenAdvice = `; ${given}: set reaper.token, or CASTOFF_REAPER_TOKEN beside CASTOFF_REAPER, to the content of its --token-file`;
  const message = `take a lease from the reaper at ${address}: ${reason}${isAboutToken ? tokenAdvice : ''}`;
  return new CastoffError('REAPER_UNAVAILABLE', message, { cause });
}

function flagsOf(target: ReaperTarget): string {
  return 'path' in target ? `--socket ${target.path}` : `--host ${target.host} --port ${target.port}`;
}
