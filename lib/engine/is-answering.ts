import type { Engine } from './engine';

/** Whether the engine answers a ping in time, whatever it answers. */
export async function isAnswering(engine: Engine, timeoutMs: number): Promise<boolean> {
  const ping = await engine.within({ timeoutMs }).ask('ping', engine.address, (docker) => docker.ping());
  return ping.meaning !== 'engine-away';
}
