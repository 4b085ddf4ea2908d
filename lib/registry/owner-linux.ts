import { readFileSync } from 'node:fs';
import { probePid } from './owner-kernel';
import type { ProcessProbe } from './owner-proof';
import { readLink, readText } from './system-file';

/** @see random(4), /proc/sys/kernel/random/boot_id */
export function readLinuxBoot(): string | undefined {
  return readText('/proc/sys/kernel/random/boot_id');
}

/**
 * The namespace in which this process's pids, and the starts that go with them, count: its inode, and that of the time
 * namespace where it is another one than the kernel's first, since that shifts the starts.
 *
 * @see namespaces(7), time_namespaces(7); linux, include/uapi/linux/nsfs.h: the first ones have fixed inodes
 */
export function readLinuxPidNamespace(): string | undefined {
  // After `unshare --pid` without a /proc of its own, /proc counts as the parent does: other processes under our pids.
  if (readLink('/proc/self') !== String(process.pid)) return undefined;
  const pids = readNamespace('pid');
  const time = readNamespace('time');
  return time === undefined || time === firstTimeNamespace ? pids : `${pids}-${time}`;
}

export const firstPidNamespace = '4026531836';
const firstTimeNamespace = '4026531834';

/** The inode of this process's namespace of that type. */
export function readNamespace(type: 'pid' | 'time' | 'uts'): string | undefined {
  return /\[(\d+)\]/.exec(readLink(`/proc/self/ns/${type}`) ?? '')?.[1];
}

/** What /proc shows of a process; that it does not exist is told by the kernel too, for /proc may hide it. */
export function readLinuxProcess(pid: number, bootedAtMs: number | undefined): ProcessProbe {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return probePid(pid);
    return { seen: 'unclear', reason: `/proc/${pid} cannot be read (${code}): whose it is cannot be known` };
  }
  return parseStat(stat, bootedAtMs) ?? { seen: 'unclear', reason: `/proc/${pid}/stat cannot be understood` };
}

/** USER_HZ, which is what the kernel tells all programs whatever it counts in itself. */
const ticksPerSecond = 100;

/** @see proc(5), /proc/pid/stat: 3 state, 20 num_threads, 22 starttime in clock ticks since boot */
export function parseStat(stat: string, bootedAtMs: number | undefined): ProcessProbe | undefined {
  // The second field is the command in brackets, and may hold blanks and brackets itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, threads, start] = [fields[0], Number(fields[17]), fields[19]];
  if (state === undefined || start === undefined || !/^\d+$/.test(start)) return undefined;
  const sinceBootMs = (Number(start) / ticksPerSecond) * 1_000;
  const startedAt =
    bootedAtMs === undefined
      ? `${Math.round(sinceBootMs / 1_000)} s after boot`
      : new Date(bootedAtMs + sinceBootMs).toISOString().replace(/\.\d+Z$/, 'Z');
  // A first thread that has ended is a zombie too while others go on.
  const isZombie = state === 'X' || (state === 'Z' && threads <= 1);
  return { seen: 'process', start, startedAt, isZombie };
}
