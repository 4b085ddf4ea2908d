import { claimKey, type BoundedLabels } from '../core/bounds';
import { labelNames } from '../core/labels';
import type { Claim } from '../reaper/leases/claim';
import type { LeaseAction, Leases } from '../reaper/leases/leases';
import { claimLabels, releaseLabels } from '../registry/claims';

/** The lease of the run's own process, which ends with the run. */
export const ownProcess = '';

/** A claim of a dead worker that no other process of the run holds. The run removes its resources. */
export type DeadClaim = Extract<LeaseAction, { type: 'reap' }>;

/**
 * The leases of a run's processes on the run. A worker's lease lasts as long as its connection, and holds at
 * least the labels of the worker itself.
 *
 * The run's reaper holds every other claim, too: until no process holds it, and its resources are removed.
 */
export class RunLeases {
  readonly #session: string;
  #opened: Leases | undefined;

  constructor(session: string) {
    this.#session = session;
  }

  /** Opens a worker's lease, with a claim on everything that carries the worker's label. */
  open(worker: string): void {
    this.#leases.openLease(worker, `worker ${worker}`, performance.now());
    this.#leases.claim(worker, this.#labelsOf(worker));
  }

  /** Adds a claim. Resolves when the run's reaper holds it, as `claimLabels` does. */
  claim(process: string, claim: BoundedLabels): Promise<void> {
    this.#leases.claim(process, claimOf(claim));
    return claimLabels(claim.labels, claim.bounds);
  }

  /** Releases a claim; at the run's reaper, once no process of the run holds it. */
  async release(process: string, { labels, bounds }: BoundedLabels): Promise<void> {
    const key = claimKey(labels, bounds);
    this.#leases.release(process, key);
    if (!this.#leases.isHeld(key)) await releaseLabels(labels, bounds);
  }

  /** Ends the lease of a worker that leaves the run. The run holds its claims until the end. */
  leave(worker: string): void {
    this.#leases.release(worker, this.#labelsOf(worker).key);
    for (const claim of this.#leases.open.get(worker)?.claims.values() ?? [])
      this.#leases.claim(ownProcess, claim);
    this.#leases.close(worker, { isClean: true, graceMs: 0 }, performance.now());
  }

  /**
   * Ends the lease of a worker whose connection has ended. Returns the claims to clean up, first the one on
   * the worker's own label; none when the worker had left. Pass them to {@link finish}.
   */
  end(worker: string): readonly DeadClaim[] {
    const actions = this.#leases.close(worker, { isClean: false, graceMs: 0 }, performance.now());
    return actions.filter((action) => action.type === 'reap');
  }

  /** Whether no process has made the claim again since its worker died. */
  isDead({ claim, run }: DeadClaim): boolean {
    return this.#leases.orphaned.reaping.get(claim.key)?.run === run;
  }

  /**
   * Ends the cleanup of `claims`. If their resources are removed, releases the claims, so that later resources
   * with the same labels do not belong to the run; otherwise, the run holds them until its end.
   */
  async finish(claims: readonly DeadClaim[], { isRemoved }: { readonly isRemoved: boolean }): Promise<void> {
    for (const dead of claims.filter((one) => this.isDead(one))) {
      const { claim, run } = dead;
      if (!isRemoved) this.#leases.claim(ownProcess, claim);
      this.#leases.finishReaping(claim.key, run, { atMs: performance.now() });
      if (isRemoved) await releaseLabels(claim.labels, claim.bounds);
    }
  }

  /** Releases every claim at the run's reaper, so that the next run of this process does not hold them. */
  async releaseAll(): Promise<void> {
    if (this.#opened === undefined) return;
    const held = [...this.#leases.open.values()].flatMap(({ claims }) => [...claims.values()]);
    const dead = [...this.#leases.orphaned.reaping.values()].map(({ claim }) => claim);
    await Promise.allSettled([...held, ...dead].map(({ labels, bounds }) => releaseLabels(labels, bounds)));
  }

  /** Loaded on first use, so that a run without workers and claims does not pay for it. */
  get #leases(): Leases {
    if (this.#opened !== undefined) return this.#opened;
    const late = require('../reaper/leases/leases') as { Leases: new () => Leases };
    this.#opened = new late.Leases();
    this.#opened.openLease(ownProcess, 'the run', performance.now());
    return this.#opened;
  }

  #labelsOf(worker: string): Claim {
    return claimOf({ labels: [`${labelNames.session}=${this.#session}`, `${labelNames.worker}=${worker}`] });
  }
}

function claimOf({ labels, bounds }: BoundedLabels): Claim {
  return { key: claimKey(labels, bounds), labels, bounds };
}
