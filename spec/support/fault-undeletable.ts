import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { askEngine } from './ask-engine';

const run = promisify(execFile);

/**
 * Makes a container's removal really fail: `DELETE force` responds 500, and the container stays as `dead`.
 * Needs root, and an engine on this machine with overlay storage. Disposal of the result undoes it.
 */
export async function makeUndeletable(socketPath: string, containerId: string): Promise<AsyncDisposable> {
  const folder = await readUpperFolder(socketPath, containerId);
  const file = join(folder, 'undeletable');
  await writeFile(file, '');
  await run('chattr', ['+i', file]);
  return {
    [Symbol.asyncDispose]: async () => {
      await run('chattr', ['-i', file]);
    },
  };
}

async function readUpperFolder(socketPath: string, containerId: string): Promise<string> {
  const { body } = await askEngine(socketPath, 'GET', `/containers/${containerId}/json`);
  const { GraphDriver }: { GraphDriver: { Name: string; Data: { UpperDir?: string } } } = JSON.parse(body);
  if (GraphDriver.Data.UpperDir !== undefined) return GraphDriver.Data.UpperDir;
  throw new Error(`container ${containerId}: no overlay folder, storage driver ${GraphDriver.Name}`);
}
