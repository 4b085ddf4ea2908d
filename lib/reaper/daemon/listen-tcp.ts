import { once } from 'node:events';
import { CastoffError, messageOf } from '../../core/errors';
import type { Listen } from '../../wire/local-socket';

/** Where TCP clients come in: at an address, or through a socket that listens already. */
export interface TcpPlace {
  /** Default: every address. */
  readonly host?: string | undefined;
  readonly port: number;
  /** Has it, the other two are somebody else's doing. @see docker/reaper/bind-then-run.c */
  readonly fd?: number | undefined;
}

/**
 * Listens for TCP clients; `where` is as Go writes an address: `[::]:8080`, `127.0.0.1:8080`.
 *
 * @throws CastoffError `CONFIG_INVALID` when it cannot listen there.
 */
export function listenTcp({ host, port, fd }: TcpPlace): Listen {
  return async (server) => {
    try {
      if (fd === undefined) server.listen({ port, ...(host === undefined ? {} : { host }) });
      else server.listen({ fd });
      await once(server, 'listening');
    } catch (error) {
      const place = fd === undefined ? `${host ?? ''}:${port}` : `descriptor ${fd}`;
      throw new CastoffError('CONFIG_INVALID', `listen at ${place}: ${messageOf(error)}; give another port`, {
        cause: error,
      });
    }
    const address = server.address();
    if (address === null || typeof address === 'string') return { where: String(address) };
    const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
    return { where: `${name}:${address.port}` };
  };
}
