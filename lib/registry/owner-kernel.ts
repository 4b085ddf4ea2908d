import type { ProcessProbe } from './owner-proof';

/**
 * What the kernel tells of a pid that no list of processes shows: there is none, or it hides.
 *
 * @see kill(2): signal 0; proc(5), hidepid: the folders of other users' processes are not there
 */
export function probePid(pid: number): ProcessProbe {
  try {
    process.kill(pid, 0);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ESRCH') return { seen: 'none' };
  }
  return {
    seen: 'unclear',
    reason: `there is a process ${pid}, which hides from here: whose it is cannot be known`,
  };
}
