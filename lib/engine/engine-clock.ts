import { mapAnswer, type Answer, type Engine } from './engine';

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
