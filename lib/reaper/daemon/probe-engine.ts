import { once } from 'node:events';
import { connect } from 'node:net';
import { isCastoffError } from '../../core/errors';
import { withTimeout } from '../../core/timeout';
import { timeouts } from '../../core/timeouts';
import { agentFor } from '../../engine/agent';
import type { Endpoint } from '../../engine/endpoint';
import { findEndpoint } from '../../engine/find-endpoint';
import { pingEndpoint } from '../../engine/ping-endpoint';

/** The engine that answers a ping, or why none does. */
type EngineProbe = { readonly endpoint: Endpoint } | { readonly reason: string };

/**
 * Resolves to why no engine can be reached; `undefined` if one answers a ping. Concurrent calls share a ping.
 */
export async function probeEngine(): Promise<string | undefined> {
  const probe = await findAnyEngine();
  return 'reason' in probe ? probe.reason : undefined;
}

/** Resolves to the engine that answers a ping, or why none does. Concurrent calls share a ping. */
export function findAnyEngine(): Promise<EngineProbe> {
  pendingProbe ??= pingEngines().finally(() => (pendingProbe = undefined));
  return pendingProbe;
}

let pendingProbe: Promise<EngineProbe> | undefined;

async function pingEngines(): Promise<EngineProbe> {
  try {
    return { endpoint: await findEndpoint({ ping }) };
  } catch (error) {
    if (!isCastoffError(error)) throw error;
    return { reason: error.message.replaceAll(/\n\s*/g, '; ') };
  }
}

async function ping(endpoint: Endpoint): Promise<void> {
  const { transport } = endpoint;
  const stop = new AbortController();
  const pinging =
    transport.type === 'socket'
      ? pingSocket(transport.path, stop.signal)
      : pingOverAgent(endpoint, stop.signal);
  try {
    await withTimeout(pinging, { what: 'ping the engine', timeoutMs: timeouts.pingMs });
  } finally {
    stop.abort();
  }
}

async function pingOverAgent(endpoint: Endpoint, signal: AbortSignal): Promise<void> {
  const agent = agentFor(endpoint);
  try {
    await pingEndpoint(endpoint, agent, signal);
  } finally {
    agent.destroy();
  }
}

// By hand: a request of `node:http` would cost an idle reaper 1 MB of memory, permanently.
async function pingSocket(path: string, signal: AbortSignal): Promise<void> {
  const socket = connect({ path, signal });
  socket.on('error', () => undefined);
  try {
    await once(socket, 'connect');
    socket.write('GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n');
    const next: IteratorResult<unknown, unknown> = await socket[Symbol.asyncIterator]().next();
    if (next.done === true) throw new Error('the engine closed the connection without answering a ping');
    const [status = ''] = String(next.value).split('\r\n');
    if (!/^HTTP\/1\.[01] 200 /.test(status)) throw new Error(`the engine answered a ping with ${status}`);
  } finally {
    socket.destroy();
  }
}
