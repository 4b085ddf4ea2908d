import { once } from 'node:events';
import { request, type Agent, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { parseFields } from '../core/fields';
import { requestTarget, type Endpoint } from './endpoint';
import type { EngineConnection } from './engine';
import { pingSocket } from './ping-socket';

interface EngineFlavour {
  readonly isPodman: boolean;
}

/**
 * Pings the engine at `endpoint` without dockerode; rejects as {@link getFromEndpoint} does.
 *
 * @see Engine API, SystemPing
 */
export async function pingEndpoint(
  endpoint: Endpoint,
  agent: Agent,
  signal: AbortSignal,
): Promise<EngineFlavour> {
  const { transport } = endpoint;
  const head = transport.type === 'socket' ? await pingSocket(transport.path, signal) : undefined;
  // Podman 4.3.1: `Libpod-Api-Version: 4.3.1`, `Server: Libpod/4.3.1 (linux)`. Docker sends no such header.
  if (head !== undefined) return { isPodman: /^libpod-api-version:/m.test(head) };
  const { headers } = await getFromEndpoint({ endpoint, agent }, '/_ping', signal);
  return { isPodman: 'libpod-api-version' in headers };
}

/**
 * Sends a GET request to the engine without dockerode. Rejects with the connection's error, or for a status
 * other than 200 with dockerode's fields `statusCode` and `json`.
 */
export async function getFromEndpoint(
  { endpoint, agent }: EngineConnection,
  path: string,
  signal: AbortSignal,
): Promise<{ readonly body: string; readonly headers: IncomingHttpHeaders }> {
  const { transport } = endpoint;
  const isEncrypted = transport.type === 'tcp' && transport.tls !== undefined;
  const protocol = isEncrypted ? 'https:' : 'http:';
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request({ ...requestTarget(transport), protocol, path, agent, signal }, resolve)
      .on('error', reject)
      .end();
  });
  const chunks: Buffer[] = [];
  response.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(response, 'end');
  const body = Buffer.concat(chunks).toString();
  const { statusCode = 0, headers } = response;
  if (statusCode === 200) return { body, headers };
  throw Object.assign(new Error(body), { statusCode, json: parseFields(body) ?? Buffer.from(body) });
}
