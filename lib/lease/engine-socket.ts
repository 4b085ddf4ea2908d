import type { Engine } from '../engine/engine';
import { valueOf } from '../engine/engine';
import { readOperatingSystem } from '../engine/launch-calls';

/** Where the engine's socket is, as the engine itself sees it. */
const usualPath = '/var/run/docker.sock';

/** What decides where the engine's own socket is. */
export interface EngineSocketFacts {
  readonly address: string;
  /** As the engine names the system that it runs on. */
  readonly operatingSystem: string;
  /** What `TESTCONTAINERS_DOCKER_SOCKET_OVERRIDE` says. */
  readonly override?: string | undefined;
}

/**
 * The paths to mount into a container that is to speak to its engine, the likeliest first: the override alone; the path at
 * which we reach it, which is the engine's own for a local one, rootless ones included; the usual path, for an engine in a
 * virtual machine (Docker Desktop), on another host, or beside the container that we run in ourselves.
 *
 * @see testcontainers, `getRemoteContainerRuntimeSocketPath`
 */
export function engineSocketPaths(facts: EngineSocketFacts): readonly string[] {
  if (facts.override !== undefined && facts.override !== '') return [facts.override];
  if (facts.operatingSystem === 'Docker Desktop' || !facts.address.startsWith('unix://')) return [usualPath];
  return [...new Set([facts.address.slice('unix://'.length), usualPath])];
}

export async function findEngineSocketPaths(engine: Engine): Promise<readonly string[]> {
  const { TESTCONTAINERS_DOCKER_SOCKET_OVERRIDE: override } = process.env;
  if (override !== undefined && override !== '') return [override];
  // The same whatever the system is, and on the way of every session: not worth a question.
  if (engine.address === `unix://${usualPath}`) return [usualPath];
  const operatingSystem = valueOf(await readOperatingSystem(engine));
  return engineSocketPaths({ address: engine.address, operatingSystem });
}
