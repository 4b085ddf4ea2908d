import { once } from 'node:events';
import { connect } from 'node:net';
import { errnoOf } from '../core/errno';
import { CastoffError, messageOf } from '../core/errors';
import { withTimeout } from '../core/timeout';
import { openReaperConnection, type ReaperConnection } from './reaper-connection';

/** The result of connecting to a host process. `connection` is unreferenced. */
export type HostProbe =
  | { readonly type: 'ready'; readonly connection: ReaperConnection }
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
  let hasRefused = false;
  const connection = openReaperConnection(stream, `the host process at ${path}`, () => (hasRefused = true));
  const { requests } = connection;
  const limited = withTimeout(requests.request({ type: 'ping' }), { what: 'ping', timeoutMs: pingTimeoutMs });
  const [ping] = await Promise.allSettled([limited]);
  if (ping.status === 'fulfilled' && ping.value.ok) return { type: 'ready', connection };
  const hasClosed = stream.destroyed;
  requests.destroy();
  return { type: hasClosed && !hasRefused ? 'absent' : 'unresponsive' };
}

function probeFromError(path: string, error: unknown): HostProbe {
  const code = errnoOf(error);
  // ENOENT: no process has listened yet. ECONNREFUSED: the process that listened has ended.
  if (code === 'ENOENT' || code === 'ECONNREFUSED') return { type: 'absent' };
  // The backlog is full: the process has stopped accepting connections.
  if (code === 'EAGAIN') return { type: 'unresponsive' };
  const message = `connect to the reaper at ${path}: ${messageOf(error)}`;
  throw new CastoffError('REAPER_UNAVAILABLE', message, { cause: error });
}
