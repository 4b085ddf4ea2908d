import type { Claim } from './claim';
import { Tally } from '../../core/tally';
import {
  checkAfter,
  firstCheck,
  type OrphanedClaims,
  type ReapingClaim,
  type WaitingClaim,
} from './orphaned-claim';

/** An open connection of a client, and its claims. */
export interface Lease {
  readonly id: string;
  /** For logs: the owner from its hello, or the address it connected from. */
  readonly holder: string;
  /** Whose limits count: the same for all connections of one session. */
  readonly client: string;
  /** The host that the client connects from, which has limits of its own; `undefined` for a local client. */
  readonly host?: string | undefined;
  readonly sinceMs: number;
  /** By key. */
  readonly claims: ReadonlyMap<string, Claim>;
}

/** How a lease ended, and what follows. */
export interface LeaseEnd {
  /** How long to wait for the client to return, in milliseconds, unless it sent `bye`. */
  readonly graceMs: number;
  /** Whether the client sent `bye`: it has finished creating resources, and needs no grace period. */
  readonly isClean: boolean;
  /** How long to keep its resources after `bye`, in milliseconds. Default 0. */
  readonly keepMs?: number | undefined;
  /**
   * Pauses, in milliseconds, before its claims are listed again, unless the client sent `bye`. Default: none.
   */
  readonly latePausesMs?: readonly number[] | undefined;
}

/** What to do after a change. */
export type LeaseAction =
  | (Pick<WaitingClaim, 'claim' | 'lastHolder' | 'client' | 'host' | 'sinceMs'> & {
      readonly type: 'reap';
      /** Whether the claim was reaped before and is listed again. */
      readonly isLate: boolean;
      /** Distinguishes two reapings of the same claim. */
      readonly run: number;
    })
  /** The claim is held again during its reaping: resources created from now on are kept. */
  | { readonly type: 'stop-reaping'; readonly key: string; readonly run: number }
  /** Check whether a resource of the claim still exists; if none does, {@link Leases.forget} it. */
  | { readonly type: 'check'; readonly claim: Claim; readonly sinceMs: number };

/** Maximum number of claims, held and being reaped, of all leases. Bounds the memory. */
const maxClaims = 20_000;
/** Leaves room for other clients. */
const maxClaimsPerClient = 10_000;
/** Keeps a tenth for other hosts: each connection of a host may name another session. */
const maxClaimsPerHost = 18_000;
/** A session has a handful of claims; a client with far more must not keep the reaper busy. */
const maxWatched = 100;

/**
 * Leases and their claims. A claim is kept while any lease holds it. When its last lease ends and the grace
 * period expires, the resources it covers are reaped, whichever other leases are open. A client that claims
 * it again in time keeps them.
 *
 * Decides, and acts on nothing: its methods return the actions that follow. Changes of an unknown lease have
 * no effect. Times are in milliseconds, on one clock.
 */
export class Leases {
  // Clients choose the keys, but cannot provoke collisions: V8 seeds the hashes of strings per process,
  // except those of integers, and every key contains `=`.
  readonly #leases = new Map<string, Lease & { readonly claims: Map<string, Claim> }>();
  // A map for each phase: finishing 10 000 reapings must not visit all orphans for each.
  readonly #inGracePeriod = new Map<string, WaitingClaim>();
  readonly #reaping = new Map<string, ReapingClaim>();
  readonly #watched = new Map<string, WaitingClaim>();
  /** The number of claims, held and orphaned, by client. */
  readonly #claimsOf = new Tally<string>();
  readonly #claimsOfHost = new Tally<string>();
  #held = 0;
  #nextRun = 1;

  /** The open leases, by id. */
  get open(): ReadonlyMap<string, Lease> {
    return this.#leases;
  }

  /** The claims that no lease holds and that are not yet finished. */
  get orphaned(): OrphanedClaims {
    return { inGracePeriod: this.#inGracePeriod, reaping: this.#reaping, watched: this.#watched };
  }

  /** The number of all claims: held ones once per lease, and orphaned ones. */
  get claimCount(): number {
    return this.#held + this.#inGracePeriod.size + this.#reaping.size + this.#watched.size;
  }

  /**
   * Opens a lease, or changes the holder of an open one.
   *
   * @param client - Whose limits count. Default: the lease is the only one of its client.
   * @param host - The host that the client connects from. Default: this one.
   */
  openLease(id: string, holder: string, atMs: number, client = id, host?: string): void {
    const known = this.#leases.get(id);
    const claims = known?.claims ?? new Map<string, Claim>();
    if (known !== undefined) this.#count(known, -claims.size);
    const lease = { id, holder, client, host, sinceMs: atMs, claims };
    this.#count(lease, claims.size);
    this.#leases.set(id, lease);
  }

  isHeld(key: string): boolean {
    for (const { claims } of this.#leases.values()) if (claims.has(key)) return true;
    return false;
  }

  /** Returns whether `lease` may hold one more claim. */
  hasRoom({ client, host }: Lease): boolean {
    const hasHostRoom = host === undefined || this.#claimsOfHost.of(host) < maxClaimsPerHost;
    return hasHostRoom && this.claimCount < maxClaims && this.#claimsOf.of(client) < maxClaimsPerClient;
  }

  claim(id: string, claim: Claim): readonly LeaseAction[] {
    const lease = this.#leases.get(id);
    if (lease === undefined || lease.claims.has(claim.key)) return [];
    lease.claims.set(claim.key, claim);
    this.#held += 1;
    this.#count(lease, 1);
    const reaping = this.#reaping.get(claim.key);
    this.#drop(claim.key);
    return reaping === undefined ? [] : [{ type: 'stop-reaping', key: claim.key, run: reaping.run }];
  }

  release(id: string, key: string): void {
    const lease = this.#leases.get(id);
    if (lease?.claims.delete(key) !== true) return;
    this.#held -= 1;
    this.#count(lease, -1);
  }

  /** Ends a lease: its claims are reaped after the grace period, unless another lease holds them. */
  close(id: string, end: LeaseEnd, atMs: number): readonly LeaseAction[] {
    const { isClean, graceMs, keepMs = 0, latePausesMs = [] } = end;
    const lease = this.#leases.get(id);
    if (lease === undefined) return [];
    this.#leases.delete(id);
    this.#held -= lease.claims.size;
    for (const [key, claim] of lease.claims) {
      if (this.isHeld(key)) {
        this.#count(lease, -1);
        continue;
      }
      this.#inGracePeriod.set(key, {
        claim,
        lastHolder: lease.holder,
        client: lease.client,
        host: lease.host,
        sinceMs: atMs,
        latePausesMs: isClean ? [] : latePausesMs,
        expiresAtMs: atMs + (isClean ? keepMs : graceMs),
        check: firstCheck(atMs, isClean ? keepMs : 0),
      });
    }
    return this.passTime(atMs);
  }

  /** Returns the reapings of the claims whose grace period or watch pause has expired, and the checks due. */
  passTime(atMs: number): readonly LeaseAction[] {
    const actions: LeaseAction[] = [];
    for (const waiting of [this.#inGracePeriod, this.#watched])
      for (const [key, orphan] of waiting) {
        const { claim, lastHolder, client, host, sinceMs, expiresAtMs, check } = orphan;
        if (expiresAtMs <= atMs) {
          const run = this.#nextRun;
          this.#nextRun += 1;
          waiting.delete(key);
          this.#reaping.set(key, { ...orphan, run });
          const isLate = waiting === this.#watched;
          actions.push({ type: 'reap', claim, lastHolder, client, host, sinceMs, isLate, run });
        } else if (check !== undefined && check.atMs <= atMs) {
          waiting.set(key, { ...orphan, check: checkAfter(atMs, check.everyMs) });
          actions.push({ type: 'check', claim, sinceMs });
        }
      }
    return actions;
  }

  /**
   * Drops a kept claim, none of whose resources exists.
   *
   * @param sinceMs - When its last lease ended: it may have been held again since the check.
   */
  forget(key: string, sinceMs: number): void {
    if (this.#inGracePeriod.get(key)?.sinceMs === sinceMs) this.#drop(key);
  }

  /** Expires every grace period: no client can return. */
  endGrace(): readonly LeaseAction[] {
    return this.passTime(Number.POSITIVE_INFINITY);
  }

  /**
   * Records the end of a reaping. A create request that was in flight when its client died may finish after
   * it, so the claim is watched for a while.
   *
   * @param isSkipped - Whether another reaper has taken over the claim.
   */
  finishReaping(
    key: string,
    run: number,
    { isSkipped = false, atMs }: { readonly isSkipped?: boolean | undefined; readonly atMs: number },
  ): void {
    const orphan = this.#reaping.get(key);
    if (orphan?.run !== run) return;
    const [pauseMs, ...latePausesMs] = orphan.latePausesMs;
    if (pauseMs === undefined || isSkipped || this.#watched.size >= maxWatched) return this.#drop(key);
    this.#reaping.delete(key);
    this.#watched.set(key, { ...orphan, latePausesMs, expiresAtMs: atMs + pauseMs });
  }

  /** Returns when {@link passTime} has something to do next; `Infinity` if never. */
  nextDueMs(): number {
    let dueMs = Number.POSITIVE_INFINITY;
    for (const waiting of [this.#inGracePeriod, this.#watched])
      for (const { expiresAtMs, check } of waiting.values())
        dueMs = Math.min(dueMs, expiresAtMs, check?.atMs ?? Number.POSITIVE_INFINITY);
    return dueMs;
  }

  #drop(key: string): void {
    for (const phase of [this.#inGracePeriod, this.#reaping, this.#watched]) {
      const orphan = phase.get(key);
      if (phase.delete(key) && orphan !== undefined) this.#count(orphan, -1);
    }
  }

  #count({ client, host }: Pick<Lease, 'client' | 'host'>, change: number): void {
    this.#claimsOf.add(client, change);
    if (host !== undefined) this.#claimsOfHost.add(host, change);
  }
}
