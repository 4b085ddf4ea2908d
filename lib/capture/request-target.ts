import type { ClientRequest } from 'node:http';
import type { Endpoint } from '../engine/endpoint';

/** The socket, or host and port, that a request is sent to. */
export interface RequestTarget {
  readonly socketPath?: string | undefined;
  readonly host: string;
  readonly port: number;
}

/** Returns the target of `request`. Only the Host header holds its port. */
export function targetOfRequest(request: ClientRequest): RequestTarget {
  const { socketPath } = request as ClientRequest & { readonly socketPath?: unknown };
  const port = /:(\d+)$/.exec(String(request.getHeader('host') ?? ''))?.[1];
  return {
    socketPath: typeof socketPath === 'string' ? socketPath : undefined,
    host: request.host,
    port: port === undefined ? (request.protocol === 'https:' ? 443 : 80) : Number(port),
  };
}

/** Returns the address of the engine that `target` reaches, if any; `realPath` resolves symbolic links. */
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
