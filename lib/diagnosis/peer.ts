import type { Server, Socket } from 'node:net';
import { shortId } from '../core/short-id';

/** The other end of a connection. */
export interface Peer {
  /** Missing for a local socket. */
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  /** The path of a local socket. */
  readonly path?: string | undefined;
  /** Method and path of the HTTP request under way: `GET /orders`. */
  readonly request?: string | undefined;
  /** The id or name of the container that a stream of an engine belongs to. */
  readonly container?: string | undefined;
}

/** Returns a name for a known peer: `redis (container of a.spec.ts:12)`. */
export type NamePeer = (peer: Peer) => string | undefined;

/** What is read of a connected or connecting socket. */
export type OpenSocket = Partial<Pick<Socket, 'remoteAddress' | 'remotePort' | 'localPort'>> & {
  readonly encrypted?: boolean;
  /** The server that accepted it. */
  readonly server?: (Server & { readonly _pipeName?: string }) | null;
  /** @see Node.js, lib/net.js: the name that is being looked up */
  readonly _host?: string | null;
  /** @see Node.js, lib/_http_client.js: the request that the socket serves */
  readonly _httpMessage?: { readonly method?: string; readonly path?: string } | null;
};

/** The request that connects a socket. @see Node.js, lib/net.js: `internalConnect` */
export interface ConnectRequest {
  /** The path of a local socket. */
  readonly address?: string;
  readonly port?: number;
}

/** Returns the other end of a socket, also while it is connecting. */
export function peerOf(socket: OpenSocket, connect: ConnectRequest | undefined, isLocal: boolean): Peer {
  const { remoteAddress, remotePort, _host, _httpMessage } = socket;
  const { method, path = '' } = _httpMessage ?? {};
  // A query may contain secrets.
  const request = method === undefined ? undefined : `${method} ${path.replace(/\?.*$/s, '')}`;
  if (isLocal) return { path: connect?.address, request };
  const host = remoteAddress ?? connect?.address ?? _host ?? undefined;
  return { host: host?.replace(/^::ffff:/, ''), port: remotePort ?? connect?.port, request };
}

/** Formats a peer: `127.0.0.1:6379`, `[::1]:80`, `/var/run/docker.sock`; `undefined` if nothing is known. */
export function formatPeer({ host, port, path }: Peer): string | undefined {
  if (path !== undefined) return path;
  return host === undefined ? undefined : formatAddress(host, port);
}

/** Formats an address; without the host for one that means all: `:4123`. */
export function formatAddress(host: string, port: number | undefined): string {
  const suffix = port === undefined ? '' : `:${port}`;
  if (host === '::' || host === '0.0.0.0') return suffix;
  return host.includes(':') ? `[${host}]${suffix}` : `${host}${suffix}`;
}

/**
 * Describes a stream that an engine sends, by its request: `log stream of container 3f2a91c0de11`.
 *
 * @see Engine API, ContainerLogs, ContainerAttach, ContainerStats, SystemEvents
 */
export function engineStreamOf(peer: Peer, namePeer: NamePeer | undefined): string | undefined {
  const [, id, type] =
    /^(?:GET|POST) (?:\/v[\d.]+)?\/containers\/([^/]+)\/(logs|attach|stats)$/.exec(peer.request ?? '') ?? [];
  if (id !== undefined && type !== undefined) {
    const name = namePeer?.({ ...peer, container: id }) ?? `container ${shortId(id)}`;
    return `${type === 'logs' ? 'log' : type} stream of ${name}`;
  }
  return /^GET (?:\/v[\d.]+)?\/events$/.test(peer.request ?? '') ? 'event stream of an engine' : undefined;
}
