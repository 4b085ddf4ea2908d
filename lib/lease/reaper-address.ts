import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { CastoffError, isCastoffError, messageOf } from '../core/errors';
import { checkOptionNames, type OptionNames } from '../core/option-names';
import { withTimeout } from '../core/timeout';

/** A reaper that runs already, such as `castoff reaper run`. It must use the session's engine. */
export interface ReaperAddress {
  /** `host:port`, as in `127.0.0.1:8080` or `[::1]:8080`; or the path of its local socket. */
  readonly address: string;
  /** The token that the reaper requires of clients connected over TCP. Default: none. */
  readonly token?: string | undefined;
}

const names: OptionNames<ReaperAddress> = { address: true, token: true };
const connectTimeoutMs = 5_000;
const keepAliveMs = 15_000;

/** @throws CastoffError `CONFIG_INVALID` when the address or the token is invalid. */
export function checkReaperAddress(option: ReaperAddress): ReaperAddress {
  checkOptionNames('reaper option', option, names);
  const { address, token } = option;
  if (typeof address !== 'string' || parseAddress(address) === undefined)
    throw new CastoffError(
      'CONFIG_INVALID',
      `reaper option: address: got ${JSON.stringify(address)}; give host:port, or the absolute path of its socket`,
    );
  if (token !== undefined && (typeof token !== 'string' || token === ''))
    throw new CastoffError('CONFIG_INVALID', 'reaper option: token: give a string, or omit it');
  return option;
}

function parseAddress(
  address: string,
): { readonly host: string; readonly port: number } | { readonly path: string } | undefined {
  if (/^(?:\/|\\\\[.?]\\pipe\\)./.test(address)) return { path: address };
  const [, bracketed, plain, port] = /^(?:\[([\da-f:.%]+)\]|([\w.-]+)):(\d{1,5})$/i.exec(address) ?? [];
  const host = bracketed ?? plain;
  const number = Number(port);
  return host === undefined || number < 1 || number > 65_535 ? undefined : { host, port: number };
}

/**
 * Connects to the reaper, within 5 s. The connection does not keep the process alive.
 *
 * @throws CastoffError `REAPER_UNAVAILABLE` with the address, and what to check.
 */
export async function connectToReaper({ address }: ReaperAddress): Promise<Socket> {
  const target = parseAddress(address);
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
  const tokenAdvice = `; ${given}: set reaper.token to the content of its --token-file`;
  const message = `take a lease from the reaper at ${address}: ${reason}${isAboutToken ? tokenAdvice : ''}`;
  return new CastoffError('REAPER_UNAVAILABLE', message, { cause });
}

function flagsOf(target: NonNullable<ReturnType<typeof parseAddress>>): string {
  return 'path' in target ? `--socket ${target.path}` : `--host ${target.host} --port ${target.port}`;
}
