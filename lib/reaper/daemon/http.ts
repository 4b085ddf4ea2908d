import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { messageOf } from '../../core/errors';
import { handleHttpRequest, type HttpResponse, type HttpSources } from './http-routes';
import { listenTcp } from './listen-tcp';

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
  const advice = 'set CASTOFF_REAPER_HTTP_PORT to another port, or to 0 for any free one';
  const { where } = await listenTcp({ host, port, purpose: ' for HTTP', advice })(server);
  // EMFILE: one connection could not be accepted; the next may be.
  server.on('error', () => undefined);
  return {
    address: `http://${where}`,
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
