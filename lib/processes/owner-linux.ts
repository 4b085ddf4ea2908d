import { readFileSync } from 'node:fs';
import { errnoOf } from '../core/errno';
import { parseStatFields } from './proc-stat';
import { probePid } from './probe-pid';
import type { ProcessProbe } from './owner-proof';
import { readLink, readText } from './system-file';

/** Returns the id of the current boot. @see random(4), /proc/sys/kernel/random/boot_id */
export function readLinuxBoot(): string | undefined {
  return readText('/proc/sys/kernel/random/boot_id');
}

/**
 * Returns the namespace in which this process's pid and start time are valid: the inode of its pid namespace,
 * plus that of its time namespace unless it is the initial one, since that shifts start times.
 *
 * @see namespaces(7), time_namespaces(7); linux, include/uapi/linux/nsfs.h: the initial ones have fixed
 * inodes
 */
export function readLinuxPidNamespace(): string | undefined {
  // After `unshare --pid` without remounting /proc, /proc shows the parent's pids: our pids are other
  // processes there.
  if (readLink('/proc/self') !== String(process.pid)) return undefined;
  const pids = readNamespace('pid');
  const time = readNamespace('time');
  return time === undefined || time === firstTimeNamespace ? pids : `${pids}-${time}`;
}

/** Inode of the initial pid namespace. @see linux, include/uapi/linux/nsfs.h */
export const firstPidNamespace = '4026531836';
const firstTimeNamespace = '4026531834';

/** Returns the inode of this process's namespace of that type. */
export function readNamespace(type: 'pid' | 'time' | 'uts'): string | undefined {
  return /\[(\d+)\]/.exec(readLink(`/proc/self/ns/${type}`) ?? '')?.[1];
}

/** Reads a process from /proc. Asks the kernel when it is missing there, since /proc may hide it. */
export function readLinuxProcess(pid: number, bootedAtMs: number | undefined): ProcessProbe {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT' || code === 'ESRCH') return probePid(pid);
    return { seen: 'unclear', reason: `/proc/${pid} cannot be read (${code})` };
  }
  return parseStat(stat, bootedAtMs) ?? { seen: 'unclear', reason: `/proc/${pid}/stat cannot be parsed` };
}

/** USER_HZ: the unit that the kernel reports to programs, independent of its internal rate. */
const ticksPerSecond = 100;

/**
 * Parses /proc/pid/stat.
 *
 * @see proc(5), /proc/pid/stat: 3 state, 20 num_threads, 22 starttime in clock ticks since boot
 */
export function parseStat(stat: string, bootedAtMs: number | undefined): ProcessProbe | undefined {
  const fields = parseStatFields(stat);
  const [state, threads, start] = [fields[0], Number(fields[17]), fields[19]];
  if (state === undefined || start === undefined || !/^\d+$/.test(start)) return undefined;
  const sinceBootMs = (Number(start) / ticksPerSecond) * 1_000;
  const startedAt =
    bootedAtMs === undefined
      ? `${Math.round(sinceBootMs / 1_000)} s after boot`
      : new Date(bootedAtMs + sinceBootMs).toISOString().replace(/\.\d+Z$/, 'Z');
  // A process whose first thread has ended is a zombie too while other threads run.
  const isZombie = state === 'X' || (state === 'Z' && threads <= 1);
  return { seen: 'process', start, startedAt, isZombie };
}
