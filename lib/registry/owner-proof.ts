import type { Owner } from '../core/labels';

/** The machine and the boot as this process sees them. What is not known here is `undefined`, and proves nothing. */
export interface LocalHost {
  readonly host: string;
  readonly machine?: string | undefined;
  readonly boot?: string | undefined;
  /** By this machine's clock, in milliseconds since the epoch. */
  readonly bootedAtMs?: number | undefined;
  readonly pidNamespace?: string | undefined;
}

/** What this process sees under a pid. */
export type ProcessProbe =
  | { readonly seen: 'none' }
  | {
      readonly seen: 'process';
      /** As in {@link Owner.pidStart}. */
      readonly start: string;
      /** The same for people to read. */
      readonly startedAt: string;
      /** Nothing of it is left but its exit code. */
      readonly isZombie: boolean;
    }
  | { readonly seen: 'unclear'; readonly reason: string };

export interface OwnerProof {
  /** `alive` and `dead` are proven; where it cannot be known, nothing is claimed. */
  readonly state: 'alive' | 'dead' | 'unknown';
  /** A sentence for people. */
  readonly proof: string;
  /** Unknown, because the owner is or was where this process cannot see: another host, or another pid namespace. */
  readonly isElsewhere?: boolean | undefined;
}

/**
 * Whether `owner` is proven to be alive or dead. Dead is who ran on this boot in this pid namespace, where no process has its
 * pid and start any more; and who ran on an earlier boot of this machine.
 *
 * Everything short of that is unknown: a host name alone is no machine (clones are called alike), a boot alone is no pid
 * namespace (containers share the kernel), and a pid alone is no process (it is used again).
 *
 * @param processWith - What is seen under a pid; asked only where that tells something.
 * @param lastActiveMs - When the owner has last been seen to create something, by its own clock.
 */
export function proveOwner(
  owner: Owner,
  here: LocalHost,
  processWith: (pid: number) => ProcessProbe,
  lastActiveMs?: number,
): OwnerProof {
  const elsewhere = elsewhereReason(owner, here);
  if (elsewhere !== undefined) return { state: 'unknown', proof: elsewhere, isElsewhere: true };
  if (owner.boot !== here.boot) return proveByBoot(owner, here, lastActiveMs);
  return proveByProcess(owner, processWith(owner.pid));
}

function elsewhereReason(owner: Owner, here: LocalHost): string | undefined {
  if (owner.host !== here.host) return `another host: ${owner.host}`;
  const areBothKnown = owner.machine !== undefined && here.machine !== undefined;
  if (areBothKnown && owner.machine !== here.machine)
    return `another machine that is called ${owner.host} too`;
  if (owner.boot === undefined) return `it does not say on which boot of ${owner.host} its process ran`;
  if (here.boot === undefined) return 'which boot this is cannot be known here';
  if (owner.boot !== here.boot) {
    if (areBothKnown) return undefined;
    return `another boot: of this machine, or of another that is called ${owner.host} too`;
  }
  if (owner.pidNamespace === undefined)
    return `it does not say in which pid namespace its pid ${owner.pid} counts`;
  if (here.pidNamespace === undefined) return 'the pids of this boot cannot be seen from here';
  if (owner.pidNamespace !== here.pidNamespace)
    return `its pid ${owner.pid} counts in the pid namespace ${owner.pidNamespace}, which cannot be seen from ${here.pidNamespace}`;
  return undefined;
}

function proveByBoot(owner: Owner, here: LocalHost, lastActiveMs: number | undefined): OwnerProof {
  const { bootedAtMs } = here;
  // A clone of this machine whose network card looks the same: what it creates while this boot lasts gives it away.
  if (bootedAtMs === undefined || (lastActiveMs !== undefined && lastActiveMs >= bootedAtMs)) {
    const proof = `it has created something on another boot while this one lasts: another machine that is called ${owner.host} too, or a clock that jumped`;
    return { state: 'unknown', proof, isElsewhere: true };
  }
  const proof = `host ${owner.host} was booted again: boot ${short(owner.boot)} is over, now it is ${short(here.boot)}`;
  return { state: 'dead', proof };
}

function proveByProcess(owner: Owner, process: ProcessProbe): OwnerProof {
  const { pid, pidStart } = owner;
  switch (process.seen) {
    case 'none':
      return { state: 'dead', proof: `no process ${pid} on this boot` };
    case 'unclear':
      return { state: 'unknown', proof: process.reason };
    case 'process': {
      const isSame = isSameStart(pidStart, process.start);
      if (isSame === undefined)
        return {
          state: 'unknown',
          proof: `there is a process ${pid}; whether it is the owner cannot be known`,
        };
      if (!isSame)
        return {
          state: 'dead',
          proof: `pid ${pid} now belongs to a process that started at ${process.startedAt}`,
        };
      // It runs no code, and holds no file, no socket and no lease any more.
      return process.isZombie
        ? { state: 'dead', proof: `process ${pid} has ended, and waits for its parent to take note` }
        : { state: 'alive', proof: `process ${pid} is alive` };
    }
  }
}

/** `ps` tells whole seconds: a start that it has rounded otherwise is no other start. */
const wallClockToleranceMs = 2_000;

/** Two ways of telling a start do not compare: `undefined`. */
function isSameStart(one: string | undefined, other: string): boolean | undefined {
  if (one === undefined) return undefined;
  if (isTicks(one) && isTicks(other)) return one === other;
  const apartMs = Math.abs(Date.parse(one) - Date.parse(other));
  if (isTicks(one) || isTicks(other) || Number.isNaN(apartMs)) return undefined;
  return apartMs <= wallClockToleranceMs;
}

function isTicks(start: string): boolean {
  return /^\d+$/.test(start);
}

function short(id: string | undefined): string {
  return (id ?? '').slice(0, 8);
}
