import { spawnSync } from 'node:child_process';
import { hashMachine } from './owner-machine';
import { probePid } from './probe-pid';
import type { ProcessProbe } from './owner-proof';

/** macOS has no pid namespaces. */
export const macosPidNamespace = 'host';

/** Returns a UUID that changes with every boot. @see xnu, bsd/kern/kern_sysctl.c, kern.bootsessionuuid */
export function readMacosBoot(): string | undefined {
  return run('sysctl', ['-n', 'kern.bootsessionuuid'])?.trim() || undefined;
}

/** Returns a hash that identifies this Mac. @see ioreg(8), IOPlatformUUID: of the hardware */
export function readMacosMachine(): string | undefined {
  const registry = run('ioreg', ['-rd1', '-c', 'IOPlatformExpertDevice']) ?? '';
  const [, uuid] = /"IOPlatformUUID" = "([0-9A-F-]{36})"/.exec(registry) ?? [];
  return uuid === undefined ? undefined : hashMachine([uuid]);
}

/** Reads a process from `ps`. Asks the kernel when `ps` fails, since its exit code does not show why. */
export function readPsProcess(pid: number): ProcessProbe {
  const line = run('ps', ['-o', 'state=,lstart=', '-p', String(pid)]);
  const unclear = { seen: 'unclear', reason: `\`ps -p ${pid}\` cannot be parsed` } as const;
  return line === undefined ? probePid(pid) : (parsePsLine(line) ?? unclear);
}

/**
 * Parses a line such as `Ss   Sat Nov 21 08:11:37 2026`, in UTC. The kernel stores the start as wall-clock
 * time, so setting the clock later does not change it.
 */
export function parsePsLine(line: string): ProcessProbe | undefined {
  const [, state, started] = /^\s*(\S+)\s+\w{3} (\w{3} [ \d]\d [\d:]{8} \d{4})\s*$/.exec(line) ?? [];
  if (state === undefined || started === undefined) return undefined;
  const startMs = Date.parse(`${started.replace(/ {2,}/g, ' ')} UTC`);
  if (Number.isNaN(startMs)) return undefined;
  const start = new Date(startMs).toISOString().replace('.000Z', 'Z');
  return { seen: 'process', start, startedAt: start, isZombie: state.startsWith('Z') };
}

function run(command: string, args: readonly string[]): string | undefined {
  const env = { ...process.env, LC_ALL: 'C', TZ: 'UTC' };
  const { status, stdout } = spawnSync(command, args, { env, encoding: 'utf8', timeout: 2_000 });
  return status === 0 ? stdout : undefined;
}
