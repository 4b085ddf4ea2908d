import { isIP } from 'node:net';

/** What is asked of the HTTP port. */
export interface HttpRequest {
  readonly method: string;
  /** As it came: with the query. */
  readonly url: string;
  /** The `Host` header. */
  readonly host: string | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  /** What may be asked, where the method was wrong. */
  readonly allow?: string | undefined;
}

/** What the HTTP port tells. None of them rejects for anything that a client does. */
export interface HttpSources {
  /** Why no more can be reaped, or nobody new is served; `undefined`: all is well. */
  readonly findFault: () => Promise<string | undefined>;
  /** In Prometheus' text format, and the name of that format. */
  readonly metrics: () => Promise<{ readonly text: string; readonly type: string }>;
  /** As it stands now. */
  readonly sessions: () => object;
}

const plain = 'text/plain; charset=utf-8';
const routes = ['/healthz', '/metrics', '/sessions'] as const;

/** The answer to a request: 200, 503 where something is wrong, else 404, 405, or 421 for a name that is not ours. */
export async function answerHttp(request: HttpRequest, sources: HttpSources): Promise<HttpAnswer> {
  if (!isOwnHost(request.host))
    return say(421, `ask for this host by its address or as localhost, not as ${request.host ?? 'nothing'}`);
  const [path = ''] = request.url.split('?');
  const route = routes.find((known) => known === path);
  if (route === undefined) return say(404, `there is no ${path}; there are ${routes.join(', ')}`);
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return { ...say(405, `${request.method} ${path}: only GET and HEAD`), allow: 'GET, HEAD' };
  switch (route) {
    case '/healthz': {
      const fault = await sources.findFault();
      return fault === undefined ? say(200, 'ok') : say(503, fault);
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
 * Whether no web page can have brought this name about: a page reaches what listens on loopback under a domain of its own whose
 * address it changes to ours (DNS rebinding). An address is nobody's domain, and neither is a name without a dot: `localhost`,
 * a container's, a Compose service's.
 */
function isOwnHost(header: string | undefined): boolean {
  const name = /^(?:\[([^\]]*)\]|([^:]*))(?::\d{1,5})?$/.exec(header ?? '');
  if (name === null) return false;
  const [, bracketed, bare = ''] = name;
  if (bracketed !== undefined) return isIP(bracketed) === 6;
  return isIP(bare) === 4 || /^[\w-]+$/.test(bare);
}

function say(status: number, text: string): HttpAnswer {
  return { status, type: plain, body: `${text}\n` };
}
