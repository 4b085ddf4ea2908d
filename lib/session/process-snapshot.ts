import { readVariable } from '../core/environment';
import type { planSnapshot, WriteSnapshot } from '../diagnosis/write-snapshot';

/**
 * Plans the snapshot of this process, if `CASTOFF_SNAPSHOT` names a folder. Returns the function that writes it,
 * once in a process; it is written at the latest when the process exits.
 */
export function planProcessSnapshot(): WriteSnapshot {
  const folder = readVariable('CASTOFF_SNAPSHOT');
  if (folder === undefined) return () => undefined;
  const late = require('../diagnosis/write-snapshot') as { planSnapshot: typeof planSnapshot };
  return late.planSnapshot(folder);
}
