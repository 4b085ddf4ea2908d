import { readdirSync } from 'node:fs';
import { tolerate } from '../core/errno';
import { parseStatFields } from '../processes/proc-stat';
import { readText } from '../processes/system-file';

/** The main process of a container. */
export interface ContainerProcess {
  /** On the engine's host. */
  readonly pid: number;
  /** Where that is this machine: its state in `ps`, such as `D` for one that no signal ends. */
  readonly state?: string | undefined;
  /** Its parent there, and the state of that: `containerd-shim 4690 in state S`, or Podman's `conmon`. */
  readonly shim?: string | undefined;
}

/**
 * Describes the main process of a container; `undefined` when none is known. Its state and shim are read only if the
 * process is in the container's cgroup here: the engine may run on another machine.
 *
 * @param pid - As inspected. Default: found by the cgroup, since an engine that cannot kill a container may not
 * answer an inspection of it either.
 * @param root - Folder that contains `/proc`. Default: `/`.
 * @see proc(5): /proc/pid/stat, 3 state, 4 ppid; /proc/pid/cgroup
 */
export function describeContainerProcess(
  container: string,
  pid?: number,
  root = '/',
): ContainerProcess | undefined {
  const read = (of: number | string, file: string): string | undefined =>
    readText(`${root}proc/${of}/${file}`);
  const isInside = (of: number): boolean => read(of, 'cgroup')?.includes(container) === true;
  const statOf = (of: number | string): readonly string[] => parseStatFields(read(of, 'stat') ?? '');
  const main = pid ?? listPids(root).find((one) => isInside(one) && !isInside(Number(statOf(one)[1])));
  if (main === undefined) return undefined;
  if (!isInside(main)) return { pid: main };
  const [state, parent = ''] = statOf(main);
  const name = read(parent, 'comm');
  const shim = name === undefined ? undefined : `${name} ${parent} in state ${statOf(parent)[0] ?? '?'}`;
  return { pid: main, state, shim };
}

/** Lists the processes of this machine, the oldest pid first. */
function listPids(root: string): readonly number[] {
  // ENOENT: not Linux.
  const names = tolerate(['ENOENT'], () => readdirSync(`${root}proc`), []);
  return names
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .toSorted((one, other) => one - other);
}
