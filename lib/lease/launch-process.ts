import type { Socket } from 'node:net';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { formatDuration } from '../core/durations';
import { CastoffError } from '../core/errors';
import { packageVersion } from '../core/package-version';
import { connectionKey } from '../engine/endpoint';
import type { Engine } from '../engine/engine';
import { readEngineId } from '../engine/engine-id';
import { socketIdentity } from '../wire/local-socket';
import { makeOwnFolder, makeShortFolder } from '../registry/own-folder';
import type { ReaperConnection } from './conversation';
import { meetHost } from './host-meeting';
import { startHostProcess, type HostProcess } from './host-process';
import { hostSocketPath } from './host-socket';

const launchTimeoutMs = 5_000;
const pollMs = 5;

export interface HostConnection extends ReaperConnection {
  /** Which socket it goes through, as {@link socketIdentity} names it. */
  readonly socket: string | undefined;
}

/**
 * Connects to the host process that serves this user's sessions on that engine, and starts one where none answers. Of two that start at
 * once, one stays. A process that listens and does not answer, or that refused this client at `refusedAt`, keeps its own clients; a new
 * one takes over its path.
 *
 * @throws CastoffError `REAPER_UNAVAILABLE` when none can be started: says where its log is, and what is in it.
 */
export async function connectToHostProcess(engine: Engine, refusedAt?: string): Promise<HostConnection> {
  const path = hostSocketPath({
    platform: process.platform,
    folder: makeOwnFolder(),
    shortFolder: makeShortFolder(),
    connection: connectionKey(engine.connection.endpoint),
    engineId: await readEngineId(engine),
    version: packageVersion,
  });
  const socket = socketIdentity(path);
  const meeting = await meetHost(path);
  if (meeting.type === 'answers' && (socket === undefined || socket !== refusedAt))
    return connectionOf(path, meeting.stream, socket);
  if (meeting.type === 'answers') meeting.stream.destroy();
  return launch(engine, path, meeting.type === 'nobody' ? undefined : socket);
}

function connectionOf(path: string, stream: Socket, socket: string | undefined): HostConnection {
  return { stream, reaper: `the host process at ${path}`, socket };
}

async function launch(engine: Engine, path: string, replacing: string | undefined): Promise<HostConnection> {
  const folder = process.platform === 'win32' ? makeOwnFolder() : dirname(path);
  const host = startHostProcess({
    engine: engine.connection.endpoint,
    socketPath: path,
    folder,
    replacing,
  });
  const limitMs = performance.now() + launchTimeoutMs;
  while (performance.now() < limitMs && host.failure() === undefined) {
    await delay(pollMs);
    const socket = socketIdentity(path);
    if (replacing !== undefined && socket === replacing) continue;
    const meeting = await meetHost(path);
    if (meeting.type === 'answers') return connectionOf(path, meeting.stream, socket);
  }
  throw notLaunched(host, path);
}

function notLaunched(host: HostProcess, socketPath: string): CastoffError {
  const how =
    host.failure() ?? `no process answers at ${socketPath} after ${formatDuration(launchTimeoutMs)}`;
  const words = host.lastLogLines();
  const log = words === '' ? 'its log is empty' : `its log ends with\n${words}`;
  return new CastoffError(
    'REAPER_UNAVAILABLE',
    `start the reaper as a host process (${host.command}): ${how}; look at ${host.logPath}: ${log}`,
  );
}
