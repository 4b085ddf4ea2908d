import { randomUUID } from 'node:crypto';
import { parseFields } from '../core/fields';
import { timeouts } from '../core/timeouts';
import { ask, type Engine } from './engine';
import { getFromEndpoint } from './ping-endpoint';

/**
 * Resolves to an id of the engine itself, the same at every address; a random one when the engine does not
 * report an id.
 *
 * @see Engine API, SystemInfo
 */
export async function readEngineId({ address, connection, isPodman }: Engine): Promise<string> {
  const answer = await ask('info', address, { timeoutMs: timeouts.pingMs }, async (signal) => {
    const { body } = await getFromEndpoint(connection, '/info', signal);
    return parseEngineId(body, { isPodman });
  });
  return (answer.meaning === 'done' ? answer.value : undefined) ?? randomUUID();
}

/**
 * Reads the id from a response to `/info`; `undefined` when it has none.
 *
 * Docker has a permanent one: `"ID":"YWQV:YWSO:…"`. Podman generates a new one for each response, so its
 * machine and storage identify it: `"DockerRootDir":"/var/lib/containers/storage","Name":"vm"`.
 */
export function parseEngineId(
  body: string,
  { isPodman }: { readonly isPodman: boolean },
): string | undefined {
  const info = parseFields(body) ?? {};
  const textOf = (name: string): string | undefined => {
    const value = info[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  if (!isPodman) return textOf('ID');
  const [machine, storage] = [textOf('Name'), textOf('DockerRootDir')];
  return machine === undefined || storage === undefined ? undefined : `podman ${machine} ${storage}`;
}
