import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { CastoffError, messageOf } from '../../core/errors';
import { answerHttp, type HttpAnswer, type HttpSources } from './http-answer';

export interface HttpOptions {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly sources: HttpSources;
  /** How long a client may take to ask, and be silent while it is answered, in milliseconds. Default 5 000. */
  readonly patienceMs?: number | undefined;
}

export interface HttpPort {
  /** `http://127.0.0.1:8081`. */
  readonly address: string;
  /** Resolves when nobody is connected any more; who still is, is cut off. */
  close(): Promise<void>;
}

const defaultPatienceMs = 5_000;
/** Far more than the one or two that watch a reaper; the descriptors are for its clients. */
const mostConnections = 64;

/**
 * Answers `/healthz`, `/metrics` and `/sessions`, one request a connection. Clients that ask slowly, or not at all, are cut off.
 *
 * @throws CastoffError `CONFIG_INVALID` when it cannot listen there.
 */
export async function openHttp(options: HttpOptions): Promise<HttpPort> {
  const { host, port, sources, patienceMs = defaultPatienceMs } = options;
  const limits = {
    headersTimeout: patienceMs,
    requestTimeout: patienceMs,
    connectionsCheckingInterval: patienceMs,
    keepAlive: false,
  };
  const server = createServer(limits, (request, response) => void respond(request, response, sources));
  server.maxConnections = mostConnections;
  // Also those that do not read their answer.
  server.setTimeout(2 * patienceMs, (socket) => socket.destroy());
  await listen(server, host, port);
  // EMFILE: one that could not be accepted is no end; the next may be.
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
  // ECONNRESET, EPIPE: who asked has gone.
  response.on('error', () => undefined);
  const { method = '', url = '', headers } = request;
  const answer = await answerHttp({ method, url, host: headers.host }, sources).catch(
    (error: unknown): HttpAnswer => ({
      status: 500,
      type: 'text/plain; charset=utf-8',
      body: `${messageOf(error)}\n`,
    }),
  );
  response.writeHead(answer.status, {
    'content-type': answer.type,
    'content-length': Buffer.byteLength(answer.body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    // A body that came with the question is not read.
    connection: 'close',
    ...(answer.allow === undefined ? {} : { allow: answer.allow }),
  });
  response.end(answer.body);
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  try {
    server.listen({ host, port });
    await once(server, 'listening');
  } catch (error) {
    throw new CastoffError(
      'CONFIG_INVALID',
      `listen at ${host}:${port} for HTTP: ${messageOf(error)}; give another port in CASTOFF_REAPER_HTTP_PORT, or 0 for any`,
      { cause: error },
    );
  }
}

function addressOf(server: Server): string {
  const place = server.address();
  if (place === null || typeof place === 'string') return String(place);
  const name = place.family === 'IPv6' ? `[${place.address}]` : place.address;
  return `http://${name}:${place.port}`;
}
