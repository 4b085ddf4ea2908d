import { once } from 'node:events';
import { connect } from 'node:net';
import { isCastoffError } from '../../core/errors';
import { withTimeout } from '../../core/timeout';
import { agentFor } from '../../engine/agent';
import type { Endpoint } from '../../engine/endpoint';
import { findEndpoint } from '../../engine/find-endpoint';
import { pingEndpoint } from '../../engine/ping-endpoint';

const pingTimeoutMs = 5_000;

/** Why this process can reach no engine; `undefined` where one has answered a ping just now. Many who ask at once share the ping. */
export function probeEngine(): Promise<string | undefined> {
  asking ??= askEngine().finally(() => (asking = undefined));
  return asking;
}

let asking: Promise<string | undefined> | undefined;

async function askEngine(): Promise<string | undefined> {
  try {
    await findEndpoint({ ping });
    return undefined;
  } catch (error) {
    if (!isCastoffError(error)) throw error;
    return error.message.replaceAll(/\n\s*/g, '; ');
  }
}

async function ping(endpoint: Endpoint): Promise<void> {
  const { transport } = endpoint;
  const waiting = new AbortController();
  const answer =
    transport.type === 'socket'
      ? pingSocket(transport.path, waiting.signal)
      : pingOverAgent(endpoint, waiting.signal);
  try {
    await withTimeout(answer, { what: 'ping the engine', timeoutMs: pingTimeoutMs });
  } finally {
    waiting.abort();
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

// By hand: a request of `node:http` costs a reaper that only waits 1 MB for the rest of its life.
async function pingSocket(path: string, signal: AbortSignal): Promise<void> {
  const socket = connect({ path, signal });
  socket.on('error', () => undefined);
  try {
    await once(socket, 'connect');
    socket.write('GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n');
    const next: IteratorResult<unknown, unknown> = await socket[Symbol.asyncIterator]().next();
    if (next.done === true) throw new Error('it closes the connection without an answer to a ping');
    const [status = ''] = String(next.value).split('\r\n');
    if (!/^HTTP\/1\.[01] 200 /.test(status)) throw new Error(`it answers a ping with ${status}`);
  } finally {
    socket.destroy();
  }
}
