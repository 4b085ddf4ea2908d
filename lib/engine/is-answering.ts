import type { Engine } from './engine';

/**
 * Resolves to whether the engine responds to a ping within `timeoutMs` milliseconds, with success or an
 * error.
 */
export async function isAnswering(engine: Engine, timeoutMs: number): Promise<boolean> {
  const ping = await engine.within({ timeoutMs }).ask('ping', engine.address, (docker) => docker.ping());
  return ping.meaning !== 'engine-away';
}
