import { parseStatFields } from '../processes/proc-stat';
import { readText } from '../processes/system-file';

/** The main process of a container. */
export interface ContainerProcess {
  /** On the engine's host. */
  readonly pid: number;
  /** Where that is this machine: its state in `ps`, such as `D` for one that no signal ends. */
  readonly state?: string | undefined;
  /** Its parent there: `containerd-shim 4690`, or Podman's `conmon`. */
  readonly shim?: string | undefined;
}

/**
 * Describes the main process of a container. Its state and shim are read only if the process with this pid here is
 * in the container's cgroup: the engine may run on another machine.
 *
 * @param root - Folder that contains `/proc`. Default: `/`.
 * @see proc(5): /proc/pid/stat, 3 state, 4 ppid; /proc/pid/cgroup
 */
export function describeContainerProcess(container: string, pid: number, root = '/'): ContainerProcess {
  const read = (of: number | string, file: string): string | undefined =>
    readText(`${root}proc/${of}/${file}`);
  if (read(pid, 'cgroup')?.includes(container) !== true) return { pid };
  const [state, parent = ''] = parseStatFields(read(pid, 'stat') ?? '');
  const name = read(parent, 'comm');
  return { pid, state, shim: name === undefined ? undefined : `${name} ${parent}` };
}
