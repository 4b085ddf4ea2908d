import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { CastoffError, messageOf } from '../../core/errors';
import { handleHttpRequest, type HttpResponse, type HttpSources } from './http-routes';

interface HttpOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly sources: HttpSources;
  /** How long a client may take to send its request, in milliseconds. Default 5 000. */
  readonly timeoutMs?: number | undefined;
}

/** An open HTTP port. */
export interface HttpPort {
  /** `http://127.0.0.1:8081`. */
  readonly address: string;
  close(): Promise<void>;
}

const defaultTimeoutMs = 5_000;
/** Far more than the usual one or two; file descriptors are reserved for the reaper's clients. */
const maxConnections = 64;

/**
 * Serves `/healthz`, `/metrics` and `/sessions`, one request per connection. Clients that send their request
 * too slowly are disconnected.
 *
 * @throws CastoffError `CONFIG_INVALID` when it cannot listen there.
 */
export async function openHttp(options: HttpOptions): Promise<HttpPort> {
  const { host, port, sources, timeoutMs = defaultTimeoutMs } = options;
  const limits = {
    headersTimeout: timeoutMs,
    requestTimeout: timeoutMs,
    connectionsCheckingInterval: timeoutMs,
    keepAlive: false,
  };
  const server = createServer(limits, (request, response) => void respond(request, response, sources));
  server.maxConnections = maxConnections;
  // For clients that do not read the response.
  server.setTimeout(2 * timeoutMs, (socket) => socket.destroy());
  await listen(server, host, port);
  // EMFILE: one connection could not be accepted; the next may be.
  server.on('error', () => undefined);
  return {
    address: addressOf(server),
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Never rejects. */
async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  sources: HttpSources,
): Promise<void> {
  // ECONNRESET, EPIPE: the client disconnected.
  response.on('error', () => undefined);
  const { method = '', url = '', headers } = request;
  const result = await handleHttpRequest({ method, url, host: headers.host }, sources).catch(
    (error: unknown): HttpResponse => ({
      status: 500,
      type: 'text/plain; charset=utf-8',
      body: `${messageOf(error)}\n`,
    }),
  );
  response.writeHead(result.status, {
    'content-type': result.type,
    'content-length': Buffer.byteLength(result.body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    // The request's body is not read.
    connection: 'close',
    ...(result.allow === undefined ? {} : { allow: result.allow }),
  });
  response.end(result.body);
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  try {
    server.listen({ host, port });
    await once(server, 'listening');
  } catch (error) {
    throw new CastoffError(
      'CONFIG_INVALID',
      `listen at ${host}:${port} for HTTP: ${messageOf(error)}; set CASTOFF_REAPER_HTTP_PORT to another port, or to 0 for any free one`,
      { cause: error },
    );
  }
}

function addressOf(server: Server): string {
  const address = server.address();
  if (address === null || typeof address === 'string') return String(address);
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `http://${host}:${address.port}`;
}
