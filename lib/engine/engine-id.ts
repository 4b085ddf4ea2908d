import { randomUUID } from 'node:crypto';
import { ask, type Engine } from './engine';
import { getFromEndpoint } from './ping-endpoint';

const timeoutMs = 5_000;

/**
 * What tells the engine itself from every other, wherever it is reached; a new id each time for an engine that does not say.
 *
 * @see Engine API, SystemInfo
 */
export async function readEngineId({ address, connection, isPodman }: Engine): Promise<string> {
  const answer = await ask('info', address, { timeoutMs }, async (signal) => {
    const { body } = await getFromEndpoint(connection, '/info', signal);
    return parseEngineId(body, { isPodman });
  });
  return (answer.meaning === 'done' ? answer.value : undefined) ?? randomUUID();
}

/**
 * The id in the answer to `/info`; `undefined` where it has none. Docker keeps its own: `"ID":"YWQV:YWSO:…"`. Podman draws a new
 * one for each answer, and is known by its machine and its storage: `"DockerRootDir":"/var/lib/containers/storage","Name":"vm"`.
 */
export function parseEngineId(
  body: string,
  { isPodman }: { readonly isPodman: boolean },
): string | undefined {
  const info: unknown = JSON.parse(body);
  if (typeof info !== 'object' || info === null) return undefined;
  const textOf = (name: string): string | undefined => {
    const value: unknown = Reflect.get(info, name);
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  if (!isPodman) return textOf('ID');
  const [machine, storage] = [textOf('Name'), textOf('DockerRootDir')];
  return machine === undefined || storage === undefined ? undefined : `podman ${machine} ${storage}`;
}
