import { createHash } from 'node:crypto';

/** Where an engine listens, and who said so. */
export interface Endpoint {
  /** As `DOCKER_HOST` spells it, made canonical: the identity of an engine inside this process. */
  readonly address: string;
  /** Who named it, for errors: `DOCKER_HOST`, `docker context "remote"`, `rootless Docker socket`, `default`. */
  readonly from: string;
  readonly transport: Transport;
}

export type Transport =
  /** A unix socket, or a named pipe on Windows. */
  | { readonly type: 'socket'; readonly path: string }
  | { readonly type: 'tcp'; readonly host: string; readonly port: number; readonly tls?: Tls | undefined }
  /** `docker system dial-stdio` on the other side of the system's own `ssh`. */
  | {
      readonly type: 'ssh';
      readonly destination: string;
      readonly port?: number | undefined;
      /** Where the engine listens on that side, where it is not the other side's own default. */
      readonly socketPath?: string | undefined;
    };

/** PEM texts. `isVerified` false is the context's `SkipTLSVerify`. */
export interface Tls {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly isVerified: boolean;
}

/** What a request needs to get to `transport`, beside its agent. */
export function requestTarget(
  transport: Transport,
): { readonly socketPath: string } | { readonly host: string; readonly port: number } {
  switch (transport.type) {
    case 'socket':
      return { socketPath: transport.path };
    case 'tcp':
      return { host: transport.host, port: transport.port };
    case 'ssh':
      // The agent's connections are the tunnel; the engine behind it ignores the host.
      return { host: 'docker.ssh', port: 80 };
  }
}

/** What tells a connection from every other: the address, and what is shown and trusted there. */
export function connectionKey({ address, transport }: Endpoint): string {
  if (transport.type !== 'tcp' || transport.tls === undefined) return address;
  const { ca = '', cert = '', key = '', isVerified } = transport.tls;
  const digest = createHash('sha256')
    .update(JSON.stringify([ca, cert, key, isVerified]))
    .digest('hex');
  return `${address} ${digest}`;
}
