import { hostname, uptime } from 'node:os';
import type { Owner } from '../core/labels';
import { readVariable } from '../core/environment';
import { readLinuxBoot, readLinuxPidNamespace, readLinuxProcess } from './owner-linux';
import { readLinuxMachine } from './owner-machine';
import type * as ownerMacos from './owner-macos';
import type * as ownerProof from './owner-proof';
import type { LocalHost, OwnerProof, ProcessProbe } from './owner-proof';

// Loaded late: most processes only describe themselves, on Linux.
const macos = (): typeof ownerMacos => require('./owner-macos') as typeof ownerMacos;
const proof = (): typeof ownerProof => require('./owner-proof') as typeof ownerProof;

/** Describes this process as an owner that is distinct from every other process, past or present. */
export function readOwner(): Owner {
  const { host, machine, boot, bootedAtMs, pidNamespace } = readLocalHost();
  // Without a known pid namespace, /proc may show another process under this pid.
  const self = pidNamespace === undefined ? undefined : readProcess(process.pid, bootedAtMs);
  return {
    host,
    machine,
    boot,
    pid: process.pid,
    pidStart: self?.seen === 'process' ? self.start : undefined,
    pidNamespace,
    run: readCiRun(),
  };
}

/**
 * Returns a function that proves owners by what this process can see now. It reads the machine once, and each
 * process once.
 */
export function proveOwnersHere(): (owner: Owner, lastActiveMs?: number) => OwnerProof {
  const here = readLocalHost();
  const seen = new Map<number, ProcessProbe>();
  const processWith = (pid: number): ProcessProbe => {
    const known = seen.get(pid) ?? readProcess(pid, here.bootedAtMs);
    seen.set(pid, known);
    return known;
  };
  const { proveOwner } = proof();
  return (owner, lastActiveMs) => proveOwner(owner, here, processWith, lastActiveMs);
}

/**
 * Describes another process of this machine, in the pid namespace of `here`; `undefined` when it cannot be
 * identified beyond its pid, or has ended.
 *
 * @param here - This process.
 */
export function readOwnerOf(pid: number, here: Owner): Owner | undefined {
  const { host, machine, boot, pidNamespace } = here;
  if (boot === undefined || pidNamespace === undefined) return undefined;
  const seen = readProcess(pid, undefined);
  if (seen.seen !== 'process') return undefined;
  return { host, machine, boot, pid, pidStart: seen.start, pidNamespace };
}

/** Whether the process of `owner`, which was alive here before, is still alive. */
export function isStillAlive({ pid, pidStart }: Owner): boolean {
  const seen = readProcess(pid, undefined);
  return seen.seen === 'process' && !seen.isZombie && proof().isSameStart(pidStart, seen.start) === true;
}

interface Platform {
  machine(): string | undefined;
  boot(): string | undefined;
  pidNamespace(): string | undefined;
  process(pid: number, bootedAtMs: number | undefined): ProcessProbe;
}

/** On other platforms nothing can be proven. */
const platforms: Partial<Record<NodeJS.Platform, Platform>> = {
  linux: {
    machine: () => readLinuxMachine(),
    boot: readLinuxBoot,
    pidNamespace: readLinuxPidNamespace,
    process: readLinuxProcess,
  },
  darwin: {
    machine: () => macos().readMacosMachine(),
    boot: () => macos().readMacosBoot(),
    pidNamespace: () => macos().macosPidNamespace,
    process: (pid) => macos().readPsProcess(pid),
  },
};

function readLocalHost(): LocalHost {
  const platform = platforms[process.platform];
  return {
    host: hostname(),
    machine: platform?.machine(),
    boot: platform?.boot(),
    bootedAtMs: Date.now() - uptime() * 1_000,
    pidNamespace: platform?.pidNamespace(),
  };
}

function readProcess(pid: number, bootedAtMs: number | undefined): ProcessProbe {
  const reason = `processes cannot be identified on ${process.platform}`;
  return platforms[process.platform]?.process(pid, bootedAtMs) ?? { seen: 'unclear', reason };
}

const ciRunVariables = [
  'GITHUB_RUN_ID',
  'CI_PIPELINE_ID',
  'BUILDKITE_BUILD_ID',
  'CIRCLE_WORKFLOW_ID',
  'BUILD_TAG',
] as const;

function readCiRun(): string | undefined {
  return ciRunVariables.map((name) => readVariable(name)).find((value) => value !== undefined);
}
