import type { Fields } from '../core/fields';
import { mapAnswer, type Answer, type Engine } from './engine';

/**
 * Resolves to whether the engine responds to a ping within `timeoutMs` milliseconds, with success or an
 * error.
 */
export async function isAnswering(engine: Engine, timeoutMs: number): Promise<boolean> {
  const ping = await engine.within({ timeoutMs }).ask('ping', engine.address, (docker) => docker.ping());
  return ping.meaning !== 'engine-away';
}

/** The platform that an engine's containers run on, in Go's names: `linux`, `amd64`. */
export interface EngineMachine {
  readonly os: string;
  readonly architecture: string;
}

/** Resolves to the platform that the engine's containers run on. @see Engine API, SystemVersion */
export function readEngineMachine(engine: Engine): Promise<Answer<EngineMachine>> {
  return engine.ask('version', engine.address, async (docker) => {
    const { Os, Arch } = await docker.version();
    return { os: Os, architecture: Arch };
  });
}

/** Resolves to what the engine reports of itself. @see Engine API, SystemInfo */
export function readInfo(engine: Engine): Promise<Answer<Fields>> {
  return engine.get('info', '/info');
}

/** Resolves to the engine's time, in milliseconds since the epoch: ages are computed by its clock. */
export async function readEngineClock(engine: Engine): Promise<Answer<number>> {
  return mapAnswer(await readInfo(engine), ({ SystemTime }) => Date.parse(String(SystemTime)));
}

/** An engine's own version, and its API's newest. */
export interface EngineVersion {
  readonly version: string;
  readonly apiVersion: string;
}

/** Resolves to the versions of an engine. @see Engine API, SystemVersion */
export function readEngineVersion(engine: Engine): Promise<Answer<EngineVersion>> {
  return engine.ask('version', engine.address, async (docker) => {
    const { Version, ApiVersion } = await docker.version();
    return { version: Version, apiVersion: ApiVersion };
  });
}
