import { errnoOf } from '../core/errno';
import type { ProcessProbe } from './owner-proof';

/**
 * Asks the kernel about a pid that no process list shows: it does not exist, or is hidden.
 *
 * @see kill(2): signal 0; proc(5), hidepid: the folders of other users' processes are hidden
 */
export function probePid(pid: number): ProcessProbe {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (errnoOf(error) === 'ESRCH') return { seen: 'none' };
  }
  return {
    seen: 'unclear',
    reason: `process ${pid} exists, but is hidden from this process`,
  };
}
