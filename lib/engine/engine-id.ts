import { randomUUID } from 'node:crypto';
import type { Fields } from '../core/fields';
import { timeouts } from '../core/timeouts';
import type { Engine } from './engine';
import { readInfo } from './system-calls';

/**
 * Resolves to an id of the engine itself, the same at every address; a random one when the engine does not
 * report an id.
 *
 * @see Engine API, SystemInfo
 */
export async function readEngineId(engine: Engine): Promise<string> {
  const answer = await readInfo(engine.within({ timeoutMs: timeouts.pingMs }));
  return (answer.meaning === 'done' ? parseEngineId(answer.value, engine) : undefined) ?? randomUUID();
}

/**
 * Reads the id from a response to `/info`; `undefined` when it has none.
 *
 * Docker has a permanent one: `"ID":"YWQV:YWSO:…"`. Podman generates a new one for each response, so its
 * machine and storage identify it: `"DockerRootDir":"/var/lib/containers/storage","Name":"vm"`.
 */
export function parseEngineId(
  info: Fields,
  { isPodman }: { readonly isPodman: boolean },
): string | undefined {
  const textOf = (name: string): string | undefined => {
    const value = info[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  if (!isPodman) return textOf('ID');
  const [machine, storage] = [textOf('Name'), textOf('DockerRootDir')];
  return machine === undefined || storage === undefined ? undefined : `podman ${machine} ${storage}`;
}
