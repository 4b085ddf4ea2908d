import { readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { localSocketPath } from '../lease/host-socket';
import { isServed } from '../wire/local-socket';

/**
 * Returns the path of the socket at which the run of that session listens for workers, in a private folder of
 * this user.
 */
export function runAddress(session: string): string {
  return localSocketPath(`run-${session}`);
}

/**
 * Removes the sockets of killed runs, and of the relays of killed commands, from the folder of `address`: those at
 * which no process listens.
 */
export async function removeStaleSockets(address: string): Promise<void> {
  // Named pipes end with their process.
  if (process.platform === 'win32') return;
  const folder = dirname(address);
  const sockets = readdirSync(folder).filter((name) => /^(?:run|relay)-[0-9a-f]{12}\.sock$/.test(name));
  for (const path of sockets.map((name) => join(folder, name)))
    if (path !== address && !(await isServed(path))) rmSync(path, { force: true });
}
