import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Owner } from '../core/labels';

/** This process, as an owner that another process can tell from any other that ever ran. */
export function readOwner(): Owner {
  return {
    host: hostname(),
    boot: readBootId(),
    pid: process.pid,
    pidStart: readPidStart(process.pid),
    run: readCiRun(process.env),
  };
}

/** `alive` and `dead` are proven; where it cannot be known, nothing is claimed. */
export function stateOfOwner(owner: Owner): 'alive' | 'dead' | 'unknown' {
  if (owner.host !== hostname()) return 'unknown';
  const boot = readBootId();
  if (owner.boot === undefined || boot === undefined || owner.pidStart === undefined) return 'unknown';
  if (owner.boot !== boot) return 'dead';
  return readPidStart(owner.pid) === owner.pidStart ? 'alive' : 'dead';
}

function readBootId(): string | undefined {
  return readLinuxFile('/proc/sys/kernel/random/boot_id')?.trim();
}

/** Clock ticks since boot at which the process started. @see proc(5), /proc/pid/stat, field 22 */
function readPidStart(pid: number): string | undefined {
  const stat = readLinuxFile(`/proc/${pid}/stat`);
  // The second field is the command in brackets, and may hold blanks and brackets itself.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}

function readLinuxFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // ENOENT: another platform, or a process that is gone.
    return undefined;
  }
}

/** The id that a CI system gives its run. */
function readCiRun(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const variables = [
    'GITHUB_RUN_ID',
    'CI_PIPELINE_ID',
    'BUILDKITE_BUILD_ID',
    'CIRCLE_WORKFLOW_ID',
    'BUILD_TAG',
  ];
  return variables.map((name) => env[name]).find((value) => value !== undefined && value !== '');
}
