import type { Endpoint } from '../engine/endpoint';

/** The socket, or host and port, that a request is sent to. */
export interface RequestTarget {
  readonly socketPath?: string | undefined;
  readonly host: string;
  readonly port: number;
}

/**
 * Returns the address of the engine among `endpoints` that a request to `target` reaches, or `undefined`.
 *
 * @param realPath - Resolves symbolic links: `/var/run` is a link to `/run` on most systems.
 */
export function engineAt(
  target: RequestTarget,
  endpoints: readonly Endpoint[],
  realPath: (path: string) => string,
): string | undefined {
  return endpoints.find(({ transport }) => {
    switch (transport.type) {
      case 'socket':
        return target.socketPath !== undefined && realPath(target.socketPath) === realPath(transport.path);
      case 'tcp':
        return (
          target.socketPath === undefined &&
          target.port === transport.port &&
          plainHost(target.host) === plainHost(transport.host)
        );
      case 'ssh':
        // docker-modem tunnels through an agent; `host` is the ssh server.
        return target.socketPath === undefined && target.host === transport.destination.replace(/^.*@/, '');
    }
  })?.address;
}

const loopback: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '::1']);

function plainHost(host: string): string {
  const plain = host.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  return loopback.has(plain) ? 'localhost' : plain;
}
