import { mapAnswer, type Answer, type Engine } from './engine';

/** The engine's own time, in milliseconds since the epoch: ages count by it, whatever our clock says. @see Engine API, SystemInfo */
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
