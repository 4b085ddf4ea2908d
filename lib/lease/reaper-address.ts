import { CastoffError } from '../core/errors';
import { checkOptionNames, type OptionNames } from '../core/option-names';

/** A reaper that runs already, such as `castoff reaper run`. It must use the session's engine. */
export interface ReaperAddress {
  /**
   * `host:port` or `tcp://host:port`, as in `127.0.0.1:8080` or `[::1]:8080`; or the path of its local socket, also as
   * `unix:///path`.
   */
  readonly address: string;
  /** The token that the reaper requires of clients connected over TCP. Default: none. */
  readonly token?: string | undefined;
}

const names: OptionNames<ReaperAddress> = { address: true, token: true };

/** The forms of an address, for errors. */
export const addressForms = 'tcp://host:port or unix:///path/of/its.sock';

/**
 * Returns `option` when it is valid.
 *
 * @param from - Where it was set, for errors.
 * @throws CastoffError `CONFIG_INVALID` when the address or the token is invalid.
 */
export function checkReaperAddress(option: ReaperAddress, from = 'reaper option'): ReaperAddress {
  checkOptionNames(from, option, names);
  const { address, token } = option;
  if (typeof address !== 'string' || parseReaperAddress(address) === undefined)
    throw new CastoffError(
      'CONFIG_INVALID',
      `${from}: address: got ${JSON.stringify(address)}; give host:port, or the absolute path of its socket`,
    );
  if (token !== undefined && (typeof token !== 'string' || token === ''))
    throw new CastoffError('CONFIG_INVALID', `${from}: token: give a string, or omit it`);
  return option;
}

/** Where to connect to. */
export type ReaperTarget = { readonly host: string; readonly port: number } | { readonly path: string };

/** Parses an address; returns `undefined` when it is invalid. */
export function parseReaperAddress(address: string): ReaperTarget | undefined {
  const path = address.replace(/^unix:\/\/(?=\/)/, '');
  if (/^(?:\/|\\\\[.?]\\pipe\\)./.test(path)) return { path };
  const [, bracketed, plain, port] =
    /^(?:tcp:\/\/)?(?:\[([\da-f:.%]+)\]|([\w.-]+)):(\d{1,5})$/i.exec(address) ?? [];
  const host = bracketed ?? plain;
  const number = Number(port);
  return host === undefined || number < 1 || number > 65_535 ? undefined : { host, port: number };
}
