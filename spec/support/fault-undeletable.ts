import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { askEngine } from './ask-engine';

const run = promisify(execFile);

/**
 * Makes a container's removal really fail: `DELETE force` responds 500, and the container stays as `dead`.
 * Needs root, and an engine on this machine. Disposal of the result undoes it.
 */
export async function makeUndeletable(socketPath: string, containerId: string): Promise<AsyncDisposable> {
  const folder = await readOwnFolder(socketPath, containerId);
  const file = join(folder, 'undeletable');
  await writeFile(file, '');
  await run('chattr', ['+i', file]);
  return {
    [Symbol.asyncDispose]: async () => {
      await run('chattr', ['-i', file]);
    },
  };
}

interface InspectedContainer {
  readonly Id: string;
  readonly GraphDriver?: { readonly Data?: { readonly UpperDir?: string } | null } | null;
}

/** Resolves to a folder that the engine removes with the container. */
async function readOwnFolder(socketPath: string, containerId: string): Promise<string> {
  const read = async (path: string): Promise<unknown> =>
    JSON.parse((await askEngine(socketPath, 'GET', path)).body);
  const { Id, GraphDriver: driver } = (await read(`/containers/${containerId}/json`)) as InspectedContainer;
  if (driver?.Data?.UpperDir !== undefined) return driver.Data.UpperDir;
  // On Docker's containerd image store, the engine has only a folder of its own for it.
  const { DockerRootDir: root } = (await read('/info')) as { readonly DockerRootDir: string };
  return join(root, 'containers', Id);
}
