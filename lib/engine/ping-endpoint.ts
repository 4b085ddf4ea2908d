import { request, type Agent, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { placeOf, type Endpoint } from './endpoint';

/** Which engine answers. */
export interface EngineFlavour {
  readonly isPodman: boolean;
}

/**
 * Resolves to which engine answers at `endpoint`, without dockerode. Rejects with the error of the connection, or with what dockerode would
 * make of another answer: `statusCode` and `json`.
 *
 * @see Engine API, SystemPing
 */
export async function pingEndpoint(
  endpoint: Endpoint,
  agent: Agent,
  signal: AbortSignal,
): Promise<EngineFlavour> {
  const { transport } = endpoint;
  const isSecret = transport.type === 'tcp' && transport.tls !== undefined;
  const protocol = isSecret ? 'https:' : 'http:';
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request({ ...placeOf(transport), protocol, path: '/_ping', agent, signal }, resolve)
      .on('error', reject)
      .end();
  });
  const body = await text(response);
  const { statusCode = 0, headers } = response;
  // Podman 4.3.1: `Libpod-Api-Version: 4.3.1`, `Server: Libpod/4.3.1 (linux)`. Docker sends no such header.
  if (statusCode === 200) return { isPodman: 'libpod-api-version' in headers };
  throw Object.assign(new Error(body), { statusCode, json: parse(body) ?? Buffer.from(body) });
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    // SyntaxError: plain words.
    return undefined;
  }
}
