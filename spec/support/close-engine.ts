import { existsSync } from 'node:fs';
import { readdir, rm, rmdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { askEngine } from './ask-engine';
import type { EngineProcess } from './engine-process';
import { listPids, readProc } from './proc';
import { until } from './until';

const cgroups = '/sys/fs/cgroup';
const goneTimeoutMs = 10_000;

/**
 * Closes an engine: its containers, its processes in this order, its folder. Every step runs, even if earlier
 * ones fail; their errors are thrown at the end.
 */
export async function closeEngine(
  folder: string,
  socketPath: string,
  processes: readonly (EngineProcess | undefined)[],
): Promise<void> {
  // A broken engine cannot remove them: they are killed below.
  await removeAllContainers(socketPath).catch(() => undefined);
  const errors: unknown[] = [];
  const attempt = (step: Promise<void>) => step.catch((error: unknown) => void errors.push(error));
  for (const process of processes) if (process) await attempt(process.end('SIGTERM'));
  await attempt(killWhatIsLeft(folder));
  await attempt(removeCgroups(basename(folder)));
  await attempt(rm(folder, { recursive: true, force: true }));
  if (errors.length > 0)
    throw new AggregateError(errors, `close the engine in ${folder}: ${errors.join('; ')}`);
}

/** Closes a partially opened engine, and rejects with the error that stopped it. */
export async function abandon(error: unknown, close: () => Promise<void>): Promise<never> {
  try {
    await close();
  } catch (closeError) {
    throw new AggregateError([error, closeError], `${String(error)}\nand then ${String(closeError)}`, {
      cause: closeError,
    });
  }
  throw error;
}

async function removeAllContainers(socketPath: string): Promise<void> {
  const { body } = await askEngine(socketPath, 'GET', '/containers/json?all=1');
  const containers: { Id: string }[] = JSON.parse(body);
  await Promise.all(
    containers.map(({ Id }) => askEngine(socketPath, 'DELETE', `/containers/${Id}?force=1&v=1`)),
  );
}

/** Kills every process that works in the folder. */
async function killWhatIsLeft(folder: string): Promise<void> {
  const isEmpty = () => {
    const pids = findProcesses(folder);
    for (const pid of pids) killIfThere(pid);
    return pids.length === 0;
  };
  if (!(await until(isEmpty, goneTimeoutMs))) {
    throw new Error(`close the engine in ${folder}: ${findProcesses(folder).join(', ')} survived SIGKILL`);
  }
}

/**
 * Finds programs by their arguments or their mount namespace, containers' processes by their root file
 * system.
 */
export function findProcesses(folder: string): number[] {
  return otherPids().filter((pid) => worksIn(folder, pid));
}

/** Finds programs by their arguments alone, at a fraction of the cost of {@link findProcesses}. */
export function findPrograms(argument: string): number[] {
  return otherPids().filter((pid) => readProc(pid, 'cmdline').includes(argument));
}

function otherPids(): readonly number[] {
  return listPids().filter((pid) => pid !== process.pid);
}

function worksIn(folder: string, pid: number): boolean {
  if (readProc(pid, 'cmdline').includes(folder)) return true;
  return readProc(pid, 'mountinfo')
    .split('\n')
    .some((line) => {
      const mountPoint = line.split(' ')[4];
      return mountPoint === `${folder}/aside` || (mountPoint === '/' && line.includes(folder));
    });
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // ESRCH: it has exited since it was found.
  }
}

/** Removes cgroups with rmdir, innermost first, in every hierarchy: the files in them cannot be deleted. */
async function removeCgroups(name: string): Promise<void> {
  const hierarchies = ['', ...(await readdir(cgroups))].map((hierarchy) => join(cgroups, hierarchy, name));
  for (const top of hierarchies.filter((path) => existsSync(path))) {
    const entries = await readdir(top, { recursive: true, withFileTypes: true });
    const inside = entries
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name));
    for (const path of [top, ...inside].toSorted().toReversed()) await removeCgroup(path);
  }
}

/** A process counts in its cgroup for a moment after /proc has lost its arguments. */
async function removeCgroup(path: string): Promise<void> {
  const isRemoved = async () => {
    await rmdir(path).catch(() => undefined); // EBUSY: told below, when it stays.
    return !existsSync(path);
  };
  if (!(await until(isRemoved, goneTimeoutMs))) throw new Error(`remove cgroup ${path}: it has processes`);
}
