import { isIP } from 'node:net';

interface HttpRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  /** The `Host` header. */
  readonly host: string | undefined;
}

/** The response to an HTTP request. */
export interface HttpResponse {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  /** Allowed methods, in a 405 response. */
  readonly allow?: string | undefined;
}

/** Sources of the responses. No request can make them reject. */
export interface HttpSources {
  /** Resolves to why the reaper cannot reap or accepts no clients; `undefined` when healthy. */
  readonly checkHealth: () => Promise<string | undefined>;
  /** Metrics in Prometheus' text format, and its content type. */
  readonly metrics: () => Promise<{ readonly text: string; readonly type: string }>;
  /** The current state. */
  readonly sessions: () => object;
}

const plainText = 'text/plain; charset=utf-8';
const routes = ['/healthz', '/metrics', '/sessions'] as const;

/**
 * Handles a request. Resolves to status 200, 503 when unhealthy, 404, 405, or 421 for a foreign host name.
 */
export async function handleHttpRequest(request: HttpRequest, sources: HttpSources): Promise<HttpResponse> {
  if (!isOwnHost(request.host))
    return textResponse(
      421,
      `use this host's address or localhost, not ${request.host ?? 'a request without Host'}`,
    );
  const [path = ''] = request.url.split('?');
  const route = routes.find((candidate) => candidate === path);
  if (route === undefined) return textResponse(404, `${path} does not exist; use ${routes.join(', ')}`);
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return { ...textResponse(405, `${request.method} ${path}: use GET or HEAD`), allow: 'GET, HEAD' };
  switch (route) {
    case '/healthz': {
      const fault = await sources.checkHealth();
      return fault === undefined ? textResponse(200, 'ok') : textResponse(503, fault);
    }
    case '/metrics': {
      const { text, type } = await sources.metrics();
      return { status: 200, type, body: text };
    }
    case '/sessions':
      return { status: 200, type: 'application/json', body: `${JSON.stringify(sources.sessions())}\n` };
  }
}

/**
 * Whether the `Host` header cannot come from a web page. A page reaches a loopback port by changing the
 * address of its own domain to ours (DNS rebinding). An address is not a domain, and neither is a name
 * without a dot: `localhost`, a container, a Compose service.
 */
function isOwnHost(header: string | undefined): boolean {
  const name = /^(?:\[([^\]]*)\]|([^:]*))(?::\d{1,5})?$/.exec(header ?? '');
  if (name === null) return false;
  const [, bracketed, bare = ''] = name;
  if (bracketed !== undefined) return isIP(bracketed) === 6;
  return isIP(bare) === 4 || /^[\w-]+$/.test(bare);
}

function textResponse(status: number, text: string): HttpResponse {
  return { status, type: plainText, body: `${text}\n` };
}
