import type { Endpoint } from '../engine/endpoint';

/** Where a request goes. */
export interface RequestPlace {
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
  place: RequestPlace,
  endpoints: readonly Endpoint[],
  realPath: (path: string) => string,
): string | undefined {
  return endpoints.find(({ transport }) => {
    switch (transport.type) {
      case 'socket':
        return place.socketPath !== undefined && realPath(place.socketPath) === realPath(transport.path);
      case 'tcp':
        return (
          place.socketPath === undefined &&
          place.port === transport.port &&
          plainHost(place.host) === plainHost(transport.host)
        );
      case 'ssh':
        // docker-modem tunnels by an agent; the host is the one that it logs in to.
        return place.socketPath === undefined && place.host === transport.destination.replace(/^.*@/, '');
    }
  })?.address;
}

const loopback: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '::1']);

function plainHost(host: string): string {
  const plain = host.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  return loopback.has(plain) ? 'localhost' : plain;
}
