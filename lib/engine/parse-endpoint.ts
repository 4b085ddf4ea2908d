import { isIPv6 } from 'node:net';
import { posix } from 'node:path';
import { CastoffError } from '../core/errors';
import type { Endpoint, Tls } from './endpoint';

const expected =
  'expected unix:///path, npipe:////./pipe/name, tcp://host[:port], https://host[:port] or ssh://[user@]host[:port][/path]';

/**
 * Parses an address in the form of `DOCKER_HOST`, without connecting to it.
 *
 * An address without a scheme is `tcp`. Missing parts have docker's defaults: `/var/run/docker.sock`,
 * `//./pipe/docker_engine`, `localhost`, port 2375, or 2376 with TLS.
 *
 * @param from - The setting that named it, for errors.
 * @param tls - The certificates for `tcp://` and `https://`; other transports ignore them.
 * @throws CastoffError `CONFIG_INVALID` when the address is invalid; names the address and the expected
 *   forms.
 * @see docker/cli, `opts/hosts.go` and `cli/connhelper/ssh`
 */
export function parseEndpoint(address: string, from: string, tls?: Tls): Endpoint {
  try {
    return { from, ...parseAddress(address.trim(), tls) };
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    throw new CastoffError(
      'CONFIG_INVALID',
      `${from}: got "${maskPassword(address)}", ${error.message}; ${expected}`,
    );
  }
}

type ParsedAddress = Omit<Endpoint, 'from'>;

/** Thrown for an invalid address, and rethrown in this file with the setting that named it. */
class AddressError extends Error {}

function parseAddress(address: string, tls: Tls | undefined): ParsedAddress {
  if (address === '') throw new AddressError('which is empty');
  if (/\p{Cc}/u.test(address)) throw new AddressError('which has a control character in it');
  const { scheme, rest } = /^(?<scheme>[a-z]+):\/\/(?<rest>.*)$/i.exec(address)?.groups ?? {};
  switch (scheme?.toLowerCase()) {
    case undefined:
      return parseTcp('tcp', address, tls);
    case 'unix':
      return parseUnix(rest || '/var/run/docker.sock');
    case 'npipe':
      return parsePipe(rest || '//./pipe/docker_engine');
    case 'tcp':
      return parseTcp('tcp', rest ?? '', tls);
    case 'http':
      return parseTcp('tcp', rest ?? '', undefined);
    case 'https':
      return parseTcp('https', rest ?? '', tls ?? { isVerified: true });
    case 'ssh':
      return parseSsh(rest ?? '');
    default:
      throw new AddressError(`whose scheme ${scheme}:// is not supported`);
  }
}

function parseUnix(path: string): ParsedAddress {
  if (!path.startsWith('/')) throw new AddressError('whose path is not absolute');
  const canonical = posix.normalize(path);
  return { address: `unix://${canonical}`, transport: { type: 'socket', path: canonical } };
}

function parsePipe(name: string): ParsedAddress {
  const path = name.replaceAll('\\', '/');
  if (!/^\/\/[^/]+\/pipe\/./.test(path)) throw new AddressError('which is not the name of a pipe');
  return { address: `npipe://${path}`, transport: { type: 'socket', path } };
}

function parseTcp(scheme: 'tcp' | 'https', hostAndPort: string, tls: Tls | undefined): ParsedAddress {
  const parts = /^(?!\/)(?<host>\[[^\]]*\]|[^:/@?#[\]\s]*)(?::(?<port>\d*))?\/?$/.exec(hostAndPort)?.groups;
  if (parts === undefined) throw new AddressError('which is not a host and a port');
  const name = parts.host || 'localhost';
  const host = name.startsWith('[') ? parseIp(name) : name.toLowerCase();
  const port = parsePort(parts.port) ?? (tls === undefined ? 2375 : 2376);
  return { address: `${scheme}://${bracket(host)}:${port}`, transport: { type: 'tcp', host, port, tls } };
}

const sshPattern =
  /^(?:(?<login>[^@/?#]*)@)?(?<name>\[[^\]]*\]|[^:/@?#[\]]*)(?::(?<port>\d*))?(?<path>\/[^?#]*)?$/;

function parseSsh(rest: string): ParsedAddress {
  const parts = sshPattern.exec(rest)?.groups;
  if (parts === undefined) throw new AddressError('which is not a user, a host, a port and a path');
  const { login, name = '', path = '/' } = parts;
  if (login?.includes(':')) throw new AddressError('which has a password: ssh uses keys and an agent');
  const user = login === undefined ? undefined : decode(login);
  const host = name.startsWith('[') ? parseIp(name) : name;
  // Both become arguments of ssh, and reach a shell when a ProxyCommand contains %r or %h.
  if (user !== undefined && !/^\w[\w.@+-]*$/.test(user))
    throw new AddressError('whose user is not valid for ssh');
  if (host === name && !/^\w[\w.-]*$/.test(host)) throw new AddressError('whose host is not valid for ssh');
  const port = parsePort(parts.port);
  const socketPath = posix.normalize(decode(path));
  const loginPart = user === undefined ? '' : `${encodeURIComponent(user)}@`;
  const portPart = port === undefined ? '' : `:${port}`;
  const pathPart = socketPath === '/' ? '' : socketPath.split('/').map(encodeURIComponent).join('/');
  return {
    address: `ssh://${loginPart}${bracket(host)}${portPart}${pathPart}`,
    transport: {
      type: 'ssh',
      destination: user === undefined ? host : `${user}@${host}`,
      port,
      socketPath: socketPath === '/' ? undefined : socketPath,
    },
  };
}

/** Parses `[0:0::1]` to `::1`. */
function parseIp(bracketed: string): string {
  const ip = bracketed.slice(1, -1).replace('%25', '%');
  if (!isIPv6(ip)) throw new AddressError('whose host in brackets is not an IPv6 address');
  return ip.includes('%') ? ip : new URL(`http://[${ip}]`).hostname.slice(1, -1);
}

function parsePort(port: string | undefined): number | undefined {
  if (port === undefined || port === '') return undefined;
  const number = Number(port);
  if (number < 1 || number > 65_535) throw new AddressError('whose port is not between 1 and 65535');
  return number;
}

function decode(text: string): string {
  let decoded: string;
  try {
    decoded = decodeURIComponent(text);
  } catch {
    // A URIError; decodeURIComponent throws no other.
    throw new AddressError('which has an invalid % escape');
  }
  if (/\p{Cc}/u.test(decoded)) throw new AddressError('which has a control character in it');
  return decoded;
}

function bracket(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

function maskPassword(address: string): string {
  return address.replace(/(\/\/[^/@:]*):[^@]*@/, '$1:***@');
}
