import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { CastoffError, isCastoffError, messageOf } from '../core/errors';
import { withTimeout } from '../core/timeout';

/** The result of connecting to a host process. `stream` is unreferenced. */
export type HostProbe =
  | { readonly type: 'ready'; readonly stream: Socket }
  /** A process listens, but does not answer in time or accepts no more clients. */
  | { readonly type: 'unresponsive' }
  | { readonly type: 'absent' };

const pingTimeoutMs = 2_000;

/**
 * Connects to the host process at `path` and pings it: a stopped or hanging process accepts connections, too.
 *
 * @throws CastoffError `REAPER_UNAVAILABLE` when the connection fails, unless no process listens there.
 */
export async function probeHost(path: string): Promise<HostProbe> {
  const stream = connect(path);
  try {
    await once(stream, 'connect');
  } catch (error) {
    return probeFromError(path, error);
  }
  stream.unref();
  const probe = await ping(stream);
  if (probe.type !== 'ready') stream.destroy();
  return probe;
}

function probeFromError(path: string, error: unknown): HostProbe {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  // ENOENT: no process has listened yet. ECONNREFUSED: the process that listened has ended.
  if (code === 'ENOENT' || code === 'ECONNREFUSED') return { type: 'absent' };
  // The backlog is full: the process has stopped accepting connections.
  if (code === 'EAGAIN') return { type: 'unresponsive' };
  const message = `connect to the reaper at ${path}: ${messageOf(error)}`;
  throw new CastoffError('REAPER_UNAVAILABLE', message, { cause: error });
}

async function ping(stream: Socket): Promise<HostProbe> {
  const { promise: probe, resolve } = Promise.withResolvers<HostProbe>();
  let received = '';
  const onData = (chunk: Buffer): void => {
    received += chunk.toString();
    if (!received.includes('\n')) return;
    resolve(/^\{"id":1,"ok":true\b/.test(received) ? { type: 'ready', stream } : { type: 'unresponsive' });
  };
  const onClose = (): void => resolve({ type: 'absent' });
  stream.on('data', onData).on('error', onClose).on('close', onClose);
  stream.write('{"id":1,"type":"ping"}\n');
  try {
    return await withTimeout(probe, { what: 'ping the reaper', timeoutMs: pingTimeoutMs });
  } catch (error) {
    if (isCastoffError(error, 'DEADLINE_EXCEEDED')) return { type: 'unresponsive' };
    throw error;
  } finally {
    stream.off('data', onData).off('close', onClose);
  }
}
