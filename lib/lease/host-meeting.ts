import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { CastoffError, isCastoffError, messageOf } from '../core/errors';
import { withTimeout } from '../core/timeout';

/** What a client finds at the path of a host process. A connection in `stream` does not hold the process. */
export type HostMeeting =
  | { readonly type: 'answers'; readonly stream: Socket }
  /** It accepts connections, and does not answer in time or takes no more clients. */
  | { readonly type: 'useless' }
  | { readonly type: 'nobody' };

/** How long a process that lives may take to answer a ping. */
const answerTimeoutMs = 2_000;

/**
 * Connects to `path`, and sees that a process answers there: one that is stopped, or hangs, accepts connections too.
 *
 * @throws CastoffError `REAPER_UNAVAILABLE` when the connection fails, unless no process listens there.
 */
export async function meetHost(path: string): Promise<HostMeeting> {
  const stream = connect(path);
  try {
    await once(stream, 'connect');
  } catch (error) {
    return meetingWithout(path, error);
  }
  stream.unref();
  const meeting = await ping(stream);
  if (meeting.type !== 'answers') stream.destroy();
  return meeting;
}

function meetingWithout(path: string, error: unknown): HostMeeting {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  // ENOENT: no process has listened yet. ECONNREFUSED: the one that did is gone.
  if (code === 'ENOENT' || code === 'ECONNREFUSED') return { type: 'nobody' };
  // More connections wait than the system holds: the process has stopped accepting them.
  if (code === 'EAGAIN') return { type: 'useless' };
  const message = `connect to the reaper at ${path}: ${messageOf(error)}`;
  throw new CastoffError('REAPER_UNAVAILABLE', message, { cause: error });
}

async function ping(stream: Socket): Promise<HostMeeting> {
  const { promise: answer, resolve } = Promise.withResolvers<HostMeeting>();
  let heard = '';
  const listen = (chunk: Buffer): void => {
    heard += chunk.toString();
    if (!heard.includes('\n')) return;
    resolve(/^\{"id":1,"ok":true\b/.test(heard) ? { type: 'answers', stream } : { type: 'useless' });
  };
  const end = (): void => resolve({ type: 'nobody' });
  stream.on('data', listen).on('error', end).on('close', end);
  stream.write('{"id":1,"type":"ping"}\n');
  try {
    return await withTimeout(answer, { what: 'ping the reaper', timeoutMs: answerTimeoutMs });
  } catch (error) {
    if (isCastoffError(error, 'DEADLINE_EXCEEDED')) return { type: 'useless' };
    throw error;
  } finally {
    stream.off('data', listen).off('close', end);
  }
}
