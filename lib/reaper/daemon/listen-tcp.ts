import { once } from 'node:events';
import { CastoffError, messageOf } from '../../core/errors';
import type { Listen } from '../../wire/local-socket';

/** A TCP address, or a socket that already listens. */
interface TcpAddress {
  /** Default: every address. */
  readonly host?: string | undefined;
  readonly port: number;
  /** Descriptor of a listening socket; replaces host and port. @see docker/reaper/bind-then-run.c */
  readonly fd?: number | undefined;
}

/**
 * Returns a `Listen` for TCP clients. Its `where` is written as in Go: `[::]:8080`, `127.0.0.1:8080`.
 *
 * @throws CastoffError `CONFIG_INVALID` when it cannot listen there.
 */
export function listenTcp({ host, port, fd }: TcpAddress): Listen {
  return async (server) => {
    try {
      if (fd === undefined) server.listen({ port, ...(host === undefined ? {} : { host }) });
      else server.listen({ fd });
      await once(server, 'listening');
    } catch (error) {
      const target = fd === undefined ? `${host ?? ''}:${port}` : `descriptor ${fd}`;
      throw new CastoffError(
        'CONFIG_INVALID',
        `listen at ${target}: ${messageOf(error)}; give another port`,
        {
          cause: error,
        },
      );
    }
    const address = server.address();
    if (address === null || typeof address === 'string') return { where: String(address) };
    const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
    return { where: `${name}:${address.port}` };
  };
}
