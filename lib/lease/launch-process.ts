import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { formatDuration } from '../core/durations';
import { CastoffError } from '../core/errors';
import { packageVersion } from '../core/package-version';
import { connectionKey } from '../engine/endpoint';
import type { Engine } from '../engine/engine';
import { readEngineId } from '../engine/engine-id';
import { socketIdentity } from '../wire/local-socket';
import { makeOwnFolder } from '../registry/own-folder';
import type { ReaperConnection } from './reaper-connection';
import { probeHost } from './probe-host';
import { startHostProcess, type HostProcess } from './host-process';
import { hostSocketPath, socketFolders } from './host-socket';

const launchTimeoutMs = 5_000;
const pollMs = 5;

interface HostConnection extends ReaperConnection {
  /** The identity of the socket, from {@link socketIdentity}. */
  readonly socket: string | undefined;
}

/**
 * Connects to the host process that serves this user's sessions on that engine, and starts one if none
 * answers. If two start at once, one exits. A process that listens without answering, or that refused this
 * client, keeps its clients; a new one takes over its path.
 *
 * @param refusedAt - The identity of the socket at which a process refused this client.
 * @throws CastoffError `REAPER_UNAVAILABLE` when none starts; the message has the path and the end of its
 * log.
 */
export async function connectToHostProcess(engine: Engine, refusedAt?: string): Promise<HostConnection> {
  const path = await hostProcessPath(engine);
  const socket = socketIdentity(path);
  const probe = await probeHost(path);
  if (probe.type === 'ready' && (socket === undefined || socket !== refusedAt))
    return { ...probe.connection, socket };
  if (probe.type === 'ready') probe.connection.requests.destroy();
  return launch(engine, path, probe.type === 'absent' ? undefined : socket);
}

/** Resolves to the path of the socket at which the host process of this user and engine listens. */
export async function hostProcessPath(engine: Engine): Promise<string> {
  return hostSocketPath({
    ...socketFolders(),
    connection: connectionKey(engine.connection.endpoint),
    engineId: await readEngineId(engine),
    version: packageVersion,
  });
}

async function launch(engine: Engine, path: string, replacing: string | undefined): Promise<HostConnection> {
  const folder = process.platform === 'win32' ? makeOwnFolder() : dirname(path);
  const host = startHostProcess({ engine: engine.connection.endpoint, socketPath: path, folder, replacing });
  const limitMs = performance.now() + launchTimeoutMs;
  while (performance.now() < limitMs && host.failure() === undefined) {
    await delay(pollMs);
    const socket = socketIdentity(path);
    if (replacing !== undefined && socket === replacing) continue;
    const probe = await probeHost(path);
    if (probe.type === 'ready') return { ...probe.connection, socket };
  }
  throw launchError(host, path);
}

function launchError(host: HostProcess, socketPath: string): CastoffError {
  const reason = host.failure() ?? `no answer at ${socketPath} after ${formatDuration(launchTimeoutMs)}`;
  const lines = host.lastLogLines();
  const log = lines === '' ? 'is empty' : `ends with\n${lines}`;
  return new CastoffError(
    'REAPER_UNAVAILABLE',
    `start the reaper as a host process (${host.command}): ${reason}; its log ${host.logPath} ${log}`,
  );
}
