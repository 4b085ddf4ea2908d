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

/**
 * Resolves to the engine's time, in milliseconds since the epoch: ages are computed by its clock.
 *
 * @see Engine API, SystemInfo
 */
export async function readEngineClock(engine: Engine): Promise<Answer<number>> {
  const answer = await engine.ask('info', engine.address, async (docker) => {
    const info: unknown = await docker.info();
    return info;
  });
  return mapAnswer(answer, (info) => {
    const time =
      typeof info === 'object' && info !== null && 'SystemTime' in info ? info.SystemTime : undefined;
    return Date.parse(String(time));
  });
}
