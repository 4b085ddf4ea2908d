import { realpathSync } from 'node:fs';
import type { ClientRequest } from 'node:http';
import { posix } from 'node:path';
import { endpointCandidates } from '../engine/candidates';
import type { Endpoint } from '../engine/endpoint';
import { readEngineFacts, thisMachine } from '../engine/engine-facts';

/** The socket, or host and port, that a request is sent to. */
export interface RequestTarget {
  readonly socketPath?: string | undefined;
  readonly host: string;
  readonly port: number;
}

/** The engines that the current environment points to, read when first needed. */
export class KnownEngines {
  readonly #byEnvironment = new Map<string, Promise<readonly Endpoint[]>>();
  readonly #realPaths = new Map<string, string>();
  #lastRead: readonly Endpoint[] = [];

  /** Resolves to the address of the engine at `target`, or `undefined` if there is none. */
  async addressOf(target: RequestTarget): Promise<string | undefined> {
    this.#lastRead = await this.#endpoints();
    return this.addressKnownOf(target);
  }

  /** Like {@link addressOf} but synchronous: uses the engines that the last call of it found. */
  addressKnownOf(target: RequestTarget): string | undefined {
    return engineAt(target, this.#lastRead, (path) => this.#realPath(path));
  }

  #endpoints(): Promise<readonly Endpoint[]> {
    const { DOCKER_HOST, DOCKER_CONTEXT, DOCKER_CONFIG, HOME } = thisMachine().env;
    const key = JSON.stringify([DOCKER_HOST, DOCKER_CONTEXT, DOCKER_CONFIG, HOME]);
    const known = this.#byEnvironment.get(key);
    if (known !== undefined) return known;
    const reading = readEngineFacts().then(endpointCandidates);
    this.#byEnvironment.set(key, reading);
    // The user may fix an invalid configuration.
    reading.catch(() => this.#byEnvironment.delete(key));
    return reading;
  }

  #realPath(path: string): string {
    const known = this.#realPaths.get(path);
    if (known !== undefined) return known;
    const real = readRealPath(path);
    this.#realPaths.set(path, real);
    return real;
  }
}

function readRealPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // ENOENT: the socket does not exist, or it is a Windows named pipe, which is not a file.
    return posix.normalize(path.replaceAll('\\', '/'));
  }
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
