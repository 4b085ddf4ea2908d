import type { Owner } from '../core/labels';

/**
 * The machine and boot of this process. A field that cannot be determined is `undefined`, and proves nothing.
 */
export interface LocalHost extends Pick<Owner, 'host' | 'machine' | 'boot' | 'pidNamespace'> {
  /** In milliseconds since the epoch, by this machine's clock. */
  readonly bootedAtMs?: number | undefined;
}

/** What this process can see under a pid. */
export type ProcessProbe =
  | { readonly seen: 'none' }
  | {
      readonly seen: 'process';
      /** In the format of {@link Owner.pidStart}. */
      readonly start: string;
      /** The start in readable form. */
      readonly startedAt: string;
      /** Whether it has ended, and only its exit code is left. */
      readonly isZombie: boolean;
    }
  | { readonly seen: 'unclear'; readonly reason: string };

/** Whether an owner is alive or dead, with the proof. */
export interface OwnerProof {
  /** `alive` and `dead` are proven; everything else is `unknown`. */
  readonly state: 'alive' | 'dead' | 'unknown';
  /** The reason, for display. */
  readonly proof: string;
  /**
   * Unknown because the owner is or was on another host, or in another pid namespace, which this process
   * cannot see.
   */
  readonly isElsewhere?: boolean | undefined;
}

/**
 * Proves that `owner` is alive or dead, if possible. It is dead if it ran on this boot in this pid namespace
 * and no process has its pid and start any more, or if it ran on an earlier boot of this machine.
 *
 * Everything else is unknown: a host name does not identify a machine (clones share it), a boot does not
 * identify a pid namespace (containers share the kernel), and a pid does not identify a process (pids are
 * reused).
 *
 * @param processWith - Probes a pid; called only when that can prove something.
 * @param lastActiveMs - When the owner last created something, in milliseconds since the epoch, by its own
 * clock.
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
  if (areBothKnown && owner.machine !== here.machine) return `another machine named ${owner.host}`;
  if (owner.boot === undefined) return 'the owner names no boot id';
  if (here.boot === undefined) return 'the boot id of this machine cannot be read';
  if (owner.boot !== here.boot) {
    if (areBothKnown) return undefined;
    return `another boot, of this machine or of another one named ${owner.host}`;
  }
  if (owner.pidNamespace === undefined) return `the owner names no pid namespace for pid ${owner.pid}`;
  if (here.pidNamespace === undefined) return 'the pid namespace of this process cannot be read';
  if (owner.pidNamespace !== here.pidNamespace)
    return `pid ${owner.pid} is in pid namespace ${owner.pidNamespace}, which cannot be seen from ${here.pidNamespace}`;
  return undefined;
}

function proveByBoot(owner: Owner, here: LocalHost, lastActiveMs: number | undefined): OwnerProof {
  const { bootedAtMs } = here;
  // A clone of this machine may have the same network card: it is recognised by what it creates during this
  // boot.
  if (bootedAtMs === undefined || (lastActiveMs !== undefined && lastActiveMs >= bootedAtMs)) {
    const proof = `it created something on another boot during this one: another machine named ${owner.host}, or a clock that jumped`;
    return { state: 'unknown', proof, isElsewhere: true };
  }
  const proof = `host ${owner.host} was rebooted: boot ${short(owner.boot)} has ended, the current boot is ${short(here.boot)}`;
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
          proof: `process ${pid} exists, but may not be the owner`,
        };
      if (!isSame)
        return {
          state: 'dead',
          proof: `pid ${pid} now belongs to a process that started at ${process.startedAt}`,
        };
      // A zombie runs no code and holds no file, socket or lease.
      return process.isZombie
        ? { state: 'dead', proof: `process ${pid} has ended and is a zombie` }
        : { state: 'alive', proof: `process ${pid} is alive` };
    }
  }
}

/** `ps` reports whole seconds, and may round the same start differently. */
const wallClockToleranceMs = 2_000;

/** Whether two starts of a pid are the same; `undefined` when they are in different formats. */
export function isSameStart(one: string | undefined, other: string): boolean | undefined {
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
