import type { Endpoint } from '../engine/endpoint';

/** Where a request goes. */
export interface RequestTarget {
  readonly socketPath?: string | undefined;
  readonly host: string;
  readonly port: number;
}

/**
 * The address of the engine among `endpoints` that a request to `place` reaches; `undefined`: none of them.
 *
 * @param realPath - The path that a path leads to: `/var/run` is a link to `/run` on most systems.
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
        // docker-modem tunnels by an agent; the host is the one that it logs in to.
        return target.socketPath === undefined && target.host === transport.destination.replace(/^.*@/, '');
    }
  })?.address;
}

const loopback: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '::1']);

function plainHost(host: string): string {
  const plain = host.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  return loopback.has(plain) ? 'localhost' : plain;
}
