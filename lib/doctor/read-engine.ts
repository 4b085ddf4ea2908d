import { statSync } from 'node:fs';
import { messageOf } from '../core/errors';
import type { Fields } from '../core/fields';
import { valueOf, type Engine } from '../engine/engine';
import { inspectImage } from '../engine/image-calls';
import { readEngineVersion, readInfo } from '../engine/system-calls';
import { findEngineSocketPaths } from '../lease/engine-socket';
import { reaperImage } from '../lease/image-recipe';
import { hostProcessPath } from '../lease/launch-process';
import { probeHost, type HostProbe } from '../lease/probe-host';
import { listProvenSessions } from '../sweep/list-proven-sessions';
import type { EngineReadings, Reading, SessionFacts, SocketFacts } from './doctor-facts';

/** Resolves to what `get` resolves to, or to the message of its error. */
export async function read<T>(get: () => Promise<T> | T): Promise<Reading<T>> {
  try {
    return { value: await get() };
  } catch (error) {
    return { error: messageOf(error) };
  }
}

/** Reads what `castoff doctor` judges of an engine. Only reads: it creates and removes nothing there. */
export async function readEngine(engine: Engine): Promise<EngineReadings> {
  const { address, from, transport } = engine.connection.endpoint;
  const askedAtMs = Date.now();
  const info = await read(async () => valueOf(await readInfo(engine)));
  const answeredAtMs = Date.now();
  const [version, hasReaperImage, socketPaths, hostReaper, sessions] = await Promise.all([
    read(() => readVersion(engine, info)),
    read(() => hasImage(engine)),
    read(() => findEngineSocketPaths(engine)),
    read(() => probeHostReaper(engine)),
    read(() => listSessionFacts(engine)),
  ]);
  return {
    address,
    from,
    transport,
    version,
    clock: await read(() => compareClocks(infoOf(info), askedAtMs, answeredAtMs)),
    socket:
      transport.type === 'socket' && process.platform !== 'win32'
        ? await read(() => readSocket(transport.path))
        : undefined,
    hasReaperImage,
    socketPaths,
    hostReaper,
    sessions,
  };
}

function infoOf(info: Reading<Fields>): Fields {
  if ('error' in info) throw new Error(info.error);
  return info.value;
}

async function readVersion(
  engine: Engine,
  info: Reading<Fields>,
): Promise<Extract<EngineReadings['version'], { readonly value: unknown }>['value']> {
  const { version, apiVersion } = valueOf(await readEngineVersion(engine));
  const product = engine.isPodman ? 'Podman' : 'Docker';
  return { product, version, apiVersion, store: storeOf(infoOf(info)) };
}

// Docker with containerd's image store: `"Driver":"overlayfs","DriverStatus":[["driver-type","io.containerd.snapshotter.v1"]]`.
function storeOf({ Driver, DriverStatus }: Fields): string {
  const driver = typeof Driver === 'string' ? Driver : 'unknown';
  return JSON.stringify(DriverStatus ?? '').includes('io.containerd') ? `${driver} (containerd)` : driver;
}

function compareClocks(
  { SystemTime }: Fields,
  askedAtMs: number,
  answeredAtMs: number,
): { readonly aheadMs: number; readonly toleranceMs: number } {
  const engineMs = Date.parse(String(SystemTime));
  if (Number.isNaN(engineMs)) throw new Error('the engine reports no time');
  return {
    aheadMs: engineMs - (askedAtMs + answeredAtMs) / 2,
    toleranceMs: (answeredAtMs - askedAtMs) / 2,
  };
}

function readSocket(path: string): SocketFacts {
  const { mode, uid, gid } = statSync(path);
  return { path, mode: mode & 0o777, uid, gid };
}

async function hasImage(engine: Engine): Promise<boolean> {
  const answer = await inspectImage(engine, reaperImage);
  if (answer.meaning !== 'gone') valueOf(answer);
  return answer.meaning === 'done';
}

async function probeHostReaper(engine: Engine): Promise<HostProbe['type']> {
  const probe = await probeHost(await hostProcessPath(engine));
  if (probe.type === 'ready') probe.connection.requests.destroy();
  return probe.type;
}

async function listSessionFacts(engine: Engine): Promise<readonly SessionFacts[]> {
  const { sessions } = await listProvenSessions(engine);
  return sessions.map(({ session, resources, proven }) => ({
    session,
    state: proven.state,
    resources: resources.length,
  }));
}
