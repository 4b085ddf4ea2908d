import type { Answer, Engine } from './engine';

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
