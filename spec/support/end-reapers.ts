import { join } from 'node:path';
import { findPrograms } from './close-engine';

/**
 * Ends the host processes that reap for runs of this project. Each would end by itself, seconds after its run; but where its engine
 * goes away first, it waits ten minutes for that to come back.
 */
export function endReapersOf({ folder }: { readonly folder: string }): void {
  for (const pid of findPrograms(join(folder, 'node_modules/castoff/dist/reaper-server.js'))) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // ESRCH: it has ended since it was found.
    }
  }
}
