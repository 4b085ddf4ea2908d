import { readVariable, type Environment } from '../core/environment';
import { valueOf, type Engine } from '../engine/engine';
import { readInfo } from '../engine/system-calls';

/** The default path of the engine's socket on the engine's own host. */
const defaultPath = '/var/run/docker.sock';

/**
 * Resolves to the paths to mount into a container that connects to its engine, the likeliest first.
 *
 * An override is the only path. A local engine, rootless ones included, has its socket where this process
 * connects to it; an engine over ssh, at the path in its address, if any. The default path serves engines in a
 * virtual machine (Docker Desktop), on another host, or outside our own container.
 *
 * @throws EngineError when the engine does not report its operating system.
 * @see testcontainers, `getRemoteContainerRuntimeSocketPath`
 */
export async function findEngineSocketPaths(
  engine: Engine,
  environment?: Environment,
): Promise<readonly string[]> {
  const override = readVariable('TESTCONTAINERS_DOCKER_SOCKET_OVERRIDE', environment);
  if (override !== undefined) return [override];
  const path = socketPathIn(engine.address);
  // Saves a request per session.
  if (path === undefined || path === defaultPath) return [defaultPath];
  // `Docker Desktop`, or `Debian GNU/Linux 12 (bookworm)`.
  const { OperatingSystem } = valueOf(await readInfo(engine));
  return OperatingSystem === 'Docker Desktop' ? [defaultPath] : [path, defaultPath];
}

/** Returns the path of the engine's socket in `unix:///path` or `ssh://host/path`. */
function socketPathIn(address: string): string | undefined {
  const [, local] = /^unix:\/\/(.*)/.exec(address) ?? [];
  const [, remote] = /^ssh:\/\/[^/]+(\/.*)/.exec(address) ?? [];
  return local ?? (remote === undefined ? undefined : decodeURIComponent(remote));
}
