import { once } from 'node:events';
import { CastoffError, messageOf } from '../../core/errors';
import type { Server } from 'node:net';

/** A TCP address, or a socket that already listens. */
interface TcpAddress {
  /** Default: every address. */
  readonly host?: string | undefined;
  readonly port: number;
  /** Descriptor of a listening socket; replaces host and port. @see docker/reaper/bind-then-run.c */
  readonly fd?: number | undefined;
  /** For the error: a clause after the address, and what to try. */
  readonly purpose?: string;
  readonly advice?: string;
}

/**
 * Returns a `Listen` for TCP clients. Its `where` is written as in Go: `[::]:8080`, `127.0.0.1:8080`.
 *
 * @throws CastoffError `CONFIG_INVALID` when it cannot listen there.
 */
export function listenTcp({ host, port, fd, purpose = '', advice = 'give another port' }: TcpAddress) {
  return async (server: Server): Promise<{ readonly where: string }> => {
    try {
      if (fd === undefined) server.listen({ port, ...(host === undefined ? {} : { host }) });
      else server.listen({ fd });
      await once(server, 'listening');
    } catch (error) {
      const target = fd === undefined ? `${host ?? ''}:${port}` : `descriptor ${fd}`;
      const message = `listen at ${target}${purpose}: ${messageOf(error)}; ${advice}`;
      throw new CastoffError('CONFIG_INVALID', message, { cause: error });
    }
    const address = server.address();
    if (address === null || typeof address === 'string') return { where: String(address) };
    const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
    return { where: `${name}:${address.port}` };
  };
}
