import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { askEngine } from './ask-engine';

const run = promisify(execFile);

/**
 * Makes a container's removal fail for real: `DELETE force` answers 500, and it stays behind as `dead`. For an engine on
 * this machine whose storage driver is overlay, and for root. Disposing of the result undoes it.
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
