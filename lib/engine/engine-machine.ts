import type { Answer, Engine } from './engine';

/** The machine that containers of an engine run on, in the words of Go: `linux`, `amd64`. */
export interface EngineMachine {
  readonly os: string;
  readonly architecture: string;
}

/** @see Engine API, SystemVersion */
export function readEngineMachine(engine: Engine): Promise<Answer<EngineMachine>> {
  return engine.ask('version', engine.address, async (docker) => {
    const { Os, Arch } = await docker.version();
    return { os: Os, architecture: Arch };
  });
}
