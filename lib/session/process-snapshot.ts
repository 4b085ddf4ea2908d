import { readVariable } from '../core/environment';
import type * as writeSnapshot from '../diagnosis/write-snapshot';

/**
 * Plans the snapshot of this process, if `CASTOFF_SNAPSHOT` names a folder. Returns the function that writes it,
 * once in a process; it is written at the latest when the process exits.
 */
export function planProcessSnapshot(): writeSnapshot.WriteSnapshot {
  const folder = readVariable('CASTOFF_SNAPSHOT');
  if (folder === undefined) return () => undefined;
  const { planSnapshot } = require('../diagnosis/write-snapshot') as typeof writeSnapshot;
  return planSnapshot(folder);
}
