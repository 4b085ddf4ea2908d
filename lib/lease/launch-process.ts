import { mkdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { formatDuration } from '../core/durations';
import { CastoffError, messageOf } from '../core/errors';
import { packageVersion } from '../core/package-version';
import { checkOwnFolder, makeOwnFolder } from '../registry/own-folder';
import type { ReaperConnection } from './conversation';
import { startHostProcess, type HostProcess } from './host-process';
import { hostSocketPath } from './host-socket';

const launchTimeoutMs = 5_000;
const pollMs = 5;

/**
 * A connection to the host process that serves this user's sessions on that engine; where none answers, one is started. Of
 * two that start at once, one stays.
 *
 * @param engine - The engine's address.
 * @throws CastoffError `REAPER_UNAVAILABLE` when none can be started: says where its log is, and what stands there.
 */
export async function connectToHostProcess(engine: string): Promise<ReaperConnection> {
  const path = hostSocketPath({
    platform: process.platform,
    folder: makeOwnFolder(),
    shortFolder: `/tmp/castoff-${process.getuid?.() ?? 'user'}`,
    engine,
    version: packageVersion,
  });
  const stream = (await connectTo(path)) ?? (await launch(engine, path));
  return { stream, reaper: `the host process at ${path}` };
}

async function launch(engine: string, socketPath: string): Promise<Socket> {
  const folder = process.platform === 'win32' ? makeOwnFolder() : dirname(socketPath);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  checkOwnFolder(folder);
  const host = startHostProcess({ engine, socketPath, folder });
  const limitMs = performance.now() + launchTimeoutMs;
  while (performance.now() < limitMs && host.failure() === undefined) {
    await delay(pollMs);
    const socket = await connectTo(socketPath);
    if (socket !== undefined) return socket;
  }
  throw notLaunched(host, socketPath);
}

function notLaunched(host: HostProcess, socketPath: string): CastoffError {
  const how = host.failure() ?? `nobody listens at ${socketPath} after ${formatDuration(launchTimeoutMs)}`;
  const words = host.lastLogLines();
  const log = words === '' ? 'its log is empty' : `its log ends with\n${words}`;
  return new CastoffError(
    'REAPER_UNAVAILABLE',
    `start the reaper as a host process (${host.command}): ${how}; look at ${host.logPath}: ${log}`,
  );
}

/** `undefined` where nobody listens; the connection does not hold the process. */
async function connectTo(path: string): Promise<Socket | undefined> {
  const socket = connect(path);
  const { promise, resolve, reject } = Promise.withResolvers<Socket | undefined>();
  socket.once('connect', () => resolve(socket));
  socket.once('error', (error: NodeJS.ErrnoException) => {
    // ENOENT: nobody has listened yet. ECONNREFUSED: whoever did is gone.
    if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(undefined);
    else
      reject(
        new CastoffError('REAPER_UNAVAILABLE', `connect to the reaper at ${path}: ${messageOf(error)}`, {
          cause: error,
        }),
      );
  });
  const connected = await promise;
  connected?.unref();
  return connected;
}
