import { request } from 'node:http';
import { connect } from 'node:net';

/** Limit of one attempt, in milliseconds: a server that accepts, but is not ready, may not respond. */
const probeTimeoutMs = 2_000;

/** Resolves to whether something on this machine accepts connections at `port`. Never rejects. */
export async function acceptsConnections(port: number, signal: AbortSignal): Promise<boolean> {
  // A server that listens at `localhost` has one of the two.
  for (const host of ['127.0.0.1', '::1']) if (await connects({ host, port }, signal)) return true;
  return false;
}

function connects(
  to: { readonly host: string; readonly port: number },
  signal: AbortSignal,
): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ ...to, signal, timeout: probeTimeoutMs });
  socket.once('connect', () => resolve(true));
  socket.once('timeout', () => resolve(false));
  // ECONNREFUSED: it does not listen yet; AbortError.
  socket.on('error', () => resolve(false));
  return promise.finally(() => socket.destroy());
}

/** Resolves to whether `url` responds with a status below 400. Follows no redirect. Never rejects. */
export async function responds(url: URL, signal: AbortSignal): Promise<boolean> {
  // Loaded when needed: `https` takes 2 MB.
  const send = url.protocol === 'https:' ? (await import('node:https')).request : request;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  // Its own connection. Servers of tests have certificates that they have signed themselves.
  const options = { agent: false, signal, timeout: probeTimeoutMs, rejectUnauthorized: false } as const;
  const sent = send(url, options);
  sent.once('response', ({ statusCode = 0 }) => resolve(statusCode < 400));
  sent.once('timeout', () => resolve(false));
  // ECONNREFUSED, ECONNRESET: it does not listen yet; AbortError.
  sent.on('error', () => resolve(false));
  sent.end();
  return promise.finally(() => sent.destroy());
}
