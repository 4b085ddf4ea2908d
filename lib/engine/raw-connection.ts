import { once } from 'node:events';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { agentFor, tlsOptions } from './agent';
import type { Endpoint, Transport } from './endpoint';

/**
 * Returns a function that opens one connection to the engine for each call, authenticated where the endpoint asks
 * for it. Its two directions end independently of each other, except over ssh, where the engine's end ends both, and
 * where a limited number of connections log in at the same time.
 *
 * The connection does not keep the process alive. Over ssh, it is open before the login has succeeded: a failure
 * is an `error` of the stream.
 */
export function rawConnectionsTo({ address, from, transport }: Endpoint): () => Promise<Duplex> {
  const agent = agentFor({ address, from, transport });
  const options = { ...connectOptions(transport), allowHalfOpen: true };
  return async () => {
    const stream = await new Promise<Duplex>((resolve, reject) => {
      const take = (connection: Duplex): void => {
        // It may fail before the caller listens: an ssh that cannot be started.
        connection.once('error', reject);
        resolve(connection);
      };
      const created = agent.createConnection(options, (error, connection) =>
        connection == null ? reject(error ?? new Error(`no connection to ${address}`)) : take(connection),
      );
      if (created != null) take(created);
    });
    if (stream.errored) throw stream.errored;
    const opened = openedEvent(transport);
    if (opened !== undefined) await once(stream, opened);
    return stream;
  };
}

function connectOptions(transport: Transport) {
  switch (transport.type) {
    case 'socket':
      return { path: transport.path };
    case 'tcp': {
      const { host, port, tls } = transport;
      return {
        ...(tls && tlsOptions(tls)),
        ...(isIP(host) === 0 && { servername: host }),
        host,
        port,
        noDelay: true,
      };
    }
    case 'ssh':
      return {};
  }
}

function openedEvent(transport: Transport): string | undefined {
  switch (transport.type) {
    case 'socket':
      return 'connect';
    case 'tcp':
      return transport.tls === undefined ? 'connect' : 'secureConnect';
    case 'ssh':
      return undefined;
  }
}
