import { readVariable } from '../core/environment';
import type { Engine } from '../engine/engine';
import { valueOf } from '../engine/engine';
import { readOperatingSystem } from '../engine/launch-calls';

/** The default path of the engine's socket on the engine's own host. */
const defaultPath = '/var/run/docker.sock';

interface EngineSocketFacts {
  readonly address: string;
  /** `OperatingSystem` in the engine's info. */
  readonly operatingSystem: string;
  /** The value of `TESTCONTAINERS_DOCKER_SOCKET_OVERRIDE`. */
  readonly override?: string | undefined;
}

/**
 * Returns the paths to mount into a container that connects to its engine, the likeliest first.
 *
 * An override is the only path. A local engine, rootless ones included, has its socket where this process
 * connects to it. The default path serves engines in a virtual machine (Docker Desktop), on another host, or
 * outside our own container.
 *
 * @see testcontainers, `getRemoteContainerRuntimeSocketPath`
 */
export function engineSocketPaths(facts: EngineSocketFacts): readonly string[] {
  if (facts.override !== undefined && facts.override !== '') return [facts.override];
  if (facts.operatingSystem === 'Docker Desktop' || !facts.address.startsWith('unix://'))
    return [defaultPath];
  return [...new Set([facts.address.slice('unix://'.length), defaultPath])];
}

/**
 * Resolves to the paths of {@link engineSocketPaths} for `engine`.
 *
 * @throws EngineError when the engine does not report its operating system.
 */
export async function findEngineSocketPaths(engine: Engine): Promise<readonly string[]> {
  const override = readVariable('TESTCONTAINERS_DOCKER_SOCKET_OVERRIDE');
  if (override !== undefined) return [override];
  // Independent of the operating system: saves a request per session.
  if (engine.address === `unix://${defaultPath}`) return [defaultPath];
  const operatingSystem = valueOf(await readOperatingSystem(engine));
  return engineSocketPaths({ address: engine.address, operatingSystem });
}
