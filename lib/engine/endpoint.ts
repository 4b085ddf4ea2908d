import { createHash } from 'node:crypto';

/** The address of an engine, and the setting that named it. */
export interface Endpoint {
  /** In the form of `DOCKER_HOST`, normalized: identifies an engine inside this process. */
  readonly address: string;
  /**
   * The setting that named it, for errors: `DOCKER_HOST`, `docker context "remote"`, `rootless Docker
   * socket`, `default`.
   */
  readonly from: string;
  readonly transport: Transport;
}

/** How to connect to an engine. */
export type Transport =
  /** A unix socket, or a named pipe on Windows. */
  | { readonly type: 'socket'; readonly path: string }
  | { readonly type: 'tcp'; readonly host: string; readonly port: number; readonly tls?: Tls | undefined }
  /** `docker system dial-stdio` on a remote host, through the system's own `ssh`. */
  | {
      readonly type: 'ssh';
      readonly destination: string;
      readonly port?: number | undefined;
      /** The engine's socket on the remote host, unless it is the default there. */
      readonly socketPath?: string | undefined;
    };

/** Certificates and key in PEM format. `isVerified` is false for a context with `SkipTLSVerify`. */
export interface Tls {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly isVerified: boolean;
  /** The folder that has them, as `DOCKER_CERT_PATH`. */
  readonly folder?: string | undefined;
}

/** Returns the options of an HTTP request to `transport`, in addition to its agent. */
export function requestTarget(
  transport: Transport,
): { readonly socketPath: string } | { readonly host: string; readonly port: number } {
  switch (transport.type) {
    case 'socket':
      return { socketPath: transport.path };
    case 'tcp':
      return { host: transport.host, port: transport.port };
    case 'ssh':
      // The agent's connections are the tunnel; the engine ignores the host.
      return { host: 'docker.ssh', port: 80 };
  }
}

/** Returns the key of a connection: the address, and a digest of the certificates. */
export function connectionKey({ address, transport }: Endpoint): string {
  if (transport.type !== 'tcp' || transport.tls === undefined) return address;
  const { ca = '', cert = '', key = '', isVerified } = transport.tls;
  const digest = createHash('sha256')
    .update(JSON.stringify([ca, cert, key, isVerified]))
    .digest('hex');
  return `${address} ${digest}`;
}
