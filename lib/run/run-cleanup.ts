import { cleanupFailed, messageOf } from '../core/errors';
import { claimKey, type BoundedLabels } from '../core/bounds';
import { labelNames } from '../core/labels';
import type { Engine } from '../engine/engine';
import type { ListedTarget } from '../engine/list-targets';
import type { FinalState, LeftOnEngine, ResourceRecord } from '../verdict/verdict';
import type { Retention } from '../lease/session-lease';
import { isOpen, type EntryUpdate, type RegistryEntry } from '../registry/entry';
import type { Registry } from '../registry/registry';
import type { EndPatience } from '../session/end-patience';
import { listOpenNames } from '../session/list-open-names';
import { RunLeaks } from './remove-leaks';
import { recordOf, type ClaimedProject, type RunWorkers } from './run-workers';
import { keptKeys, keptProjects, leftoversOf, retentionMs } from './kept-keys';
import { isPerWorker, scopeLabel, sharedScope } from '../registry/scope-names';

/** The options of a {@link RunCleanup}. */
export interface RunCleanupOptions {
  readonly session: string;
  /** The registry of the run's own process. */
  readonly registry: Registry;
  readonly workers: RunWorkers;
  /** Whether a scope of that name belongs to a shared fixture. */
  readonly isShared: (scope: string) => boolean;
  /** Whether a leak stays until the end of the run. */
  readonly isExempt: (entry: RegistryEntry) => boolean;
  /** Resolves to the run's engine; rejects when none can be reached. */
  readonly engine: () => Promise<Engine>;
  /** Whether the run has an engine, or is about to connect to one. */
  readonly isInUse: () => boolean;
  /** Returns a time limit for removals during the run. */
  readonly patience: (waitingFor: () => readonly string[]) => EndPatience;
  /** Aborts when the time limit at the end of the run expires. */
  readonly signal: AbortSignal;
  /** Releases a worker's claim. */
  readonly release: (worker: string, claim: BoundedLabels) => Promise<void>;
}

// Loaded on first use, so that a run without containers does not pay for it.
const loadRemoval = () => import('./remove-leftovers.ts');

/** Removes the resources of the run as a whole, and of dead workers. Collects failures instead of throwing. */
export class RunCleanup {
  readonly #options: RunCleanupOptions;
  readonly #cleanups = new Set<Promise<void>>();
  readonly #leaks: RunLeaks;
  #finalStates: ReadonlyMap<string, FinalState> = new Map();
  /** The session's resources, if there was nothing to remove at the end. */
  #untouched: readonly ListedTarget[] | undefined;
  readonly failures: unknown[] = [];
  deadWorkers = 0;
  /** Whether a reaper keeps the kept resources, and removes them when the time has passed. */
  isRetained = false;

  constructor(options: RunCleanupOptions) {
    this.#options = options;
    this.#leaks = new RunLeaks({
      engine: options.engine,
      note: (updates) => this.#note(updates, { isOrphan: false }),
      fail: (error) => this.failures.push(error),
      patience: options.patience,
    });
  }

  /**
   * Removes the leaks among the entries with these keys, and resolves when the removals have finished.
   * Images, and resources that are ignored or not judged, stay until the end of the run.
   */
  async removeLeaks(keys: readonly string[]): Promise<void> {
    await this.#removeLeaksAmong(this.#entries().filter(({ key }) => keys.includes(key)));
  }

  /**
   * Removes the remaining resources of a worker that ended without leaving the run. Images stay until the end
   * of the run: a build of another worker may use their layers.
   */
  cleanUpWorker(worker: string, { isWaiting }: { readonly isWaiting: boolean }): void {
    const { workers, isShared } = this.#options;
    // It may have died after it reported leaks and before it requested their removal.
    void this.#removeLeaksAmong(workers.entries((whose) => whose === worker));
    const isOwn = (entry: RegistryEntry): boolean =>
      isOpen(entry) && !isShared(entry.owner.scope) && !hasLeaked(entry) && entry.kind !== 'image';
    const own = workers.entries((whose, entry) => whose === worker && isOwn(entry));
    const projects = workers.unnamedProjectsOf(worker);
    if (own.length === 0 && projects.length === 0 && !isWaiting) return;
    // Fixtures per worker are removed when their worker ends: that alone is no crash.
    const isLost = isWaiting || projects.length > 0 || own.some(({ owner }) => !isPerWorker(owner.scope));
    if (isLost) this.deadWorkers += 1;
    const cleanup = this.#removeOfWorker(worker, own, projects, isLost).finally(() =>
      this.#cleanups.delete(cleanup),
    );
    this.#cleanups.add(cleanup);
  }

  /** Resolves when all removals for dead workers, and of leaks, have finished. */
  async settled(): Promise<void> {
    while (this.#cleanups.size > 0) await Promise.allSettled(this.#cleanups);
    await this.#leaks.settled();
  }

  /** Removes the resources of a shared fixture, from all workers. */
  async clearShared(name: string): Promise<void> {
    const { session } = this.#options;
    const scope = sharedScope(name);
    const entries = this.#entries().filter((entry) => isOpen(entry) && entry.owner.scope === scope);
    const labels = [`${labelNames.session}=${session}`, scopeLabel(scope)];
    await this.#remove({ labels }, entries, { isOrphan: false });
  }

  /**
   * Removes all remaining resources of the run, except kept ones.
   *
   * @throws CastoffError `CLEANUP_FAILED` with all failures in `errors`.
   */
  async removeLeftovers(connected: Engine | undefined): Promise<void> {
    const { session, signal } = this.#options;
    const engine = connected ?? (await this.#options.engine());
    const { closeLeftovers } = await import('../session/close-leftovers.ts');
    const { cleanupLeftovers, isSparedAs } = await loadRemoval();
    const entries = this.#entries().filter((entry) => isOpen(entry));
    const leftovers = leftoversOf({ labels: [`${labelNames.session}=${session}`] }, entries, this.#entries());
    const { kept, recorded } = leftovers;
    const { updates, untouched, errors: failures } = await cleanupLeftovers(engine, leftovers, signal);
    this.#note(updates, { isOrphan: false });
    const errors = [...failures];
    const rest = { isSpared: isSparedAs(kept), recorded, signal, isSessionClosed: untouched !== undefined };
    try {
      // Removes resources of other claims, and those created meanwhile.
      const removed = await closeLeftovers(engine, session, rest);
      this.#untouched = removed === 0 ? untouched : undefined;
    } catch (error) {
      errors.push(error);
    }
    if (errors.length === 0) return;
    throw cleanupFailed(`close the run: ${errors.length} failures`, errors);
  }

  /** Returns the claims on the kept resources; `undefined` when there are none. */
  retention(): Retention | undefined {
    const entries = this.#entries();
    if (keptKeys(entries).size === 0) return undefined;
    const own: BoundedLabels = { labels: [`${labelNames.session}=${this.#options.session}`] };
    return { keepMs: retentionMs, claims: [own, ...keptProjects(entries)] };
  }

  /** Returns the display names of the resources that are still open. */
  waitingFor(): readonly string[] {
    return listOpenNames(this.#entries());
  }

  /**
   * Lists the resources of the run that the engine still has, except reapers and kept ones, and updates the
   * records of entries that are not known to be gone.
   *
   * @param connected - The session's engine, if there is a session.
   * @throws EngineError when the resources cannot be listed; CastoffError `ENGINE_UNREACHABLE`.
   */
  async listRemaining(connected: Engine | undefined): Promise<readonly LeftOnEngine[]> {
    const { isSparedAs } = await loadRemoval();
    const { checkFinally } = await import('./final-check.ts');
    const { session, signal } = this.#options;
    const engine = connected ?? (await this.#options.engine());
    const check = { session, entries: this.#entries(), signal, listed: this.#untouched };
    const { left, states, error } = await checkFinally(engine, check);
    this.#finalStates = states;
    if (error !== undefined) throw error;
    const isSpared = isSparedAs(keptKeys(this.#entries()));
    return left.filter(({ labels }) => !isSpared(labels));
  }

  /** Returns the records of all resources that the run has had. */
  records(): readonly ResourceRecord[] {
    const own = this.#options.registry.list().map((entry) => recordOf(entry, false, this.#finalStates));
    return [...own, ...this.#options.workers.records(this.#finalStates)];
  }

  async #removeLeaksAmong(entries: readonly RegistryEntry[]): Promise<void> {
    const { isExempt } = this.#options;
    await this.#leaks.remove(
      entries.filter((entry) => hasLeaked(entry) && entry.kind !== 'image' && !isExempt(entry)),
    );
  }

  async #removeOfWorker(
    worker: string,
    own: readonly RegistryEntry[],
    projects: readonly ClaimedProject[],
    isOrphan: boolean,
  ): Promise<void> {
    const { session } = this.#options;
    const labels = [`${labelNames.session}=${session}`, `${labelNames.worker}=${worker}`];
    const failuresBefore = this.failures.length;
    await this.#remove({ labels }, own, { isOrphan });
    for (const claim of projects) {
      // Another worker may have claimed it meanwhile.
      const key = claimKey(claim.labels, claim.bounds);
      const isClaimed = this.#options.workers
        .projectsOf(worker)
        .some((one) => claimKey(one.labels, one.bounds) === key);
      if (isClaimed) await this.#remove(claim, [], { isOrphan });
    }
    if (this.failures.length > failuresBefore) return;
    // All are removed: later resources with the same names do not belong to this worker.
    for (const claim of this.#options.workers.projectsOf(worker)) await this.#options.release(worker, claim);
  }

  async #remove(
    claim: BoundedLabels,
    entries: readonly RegistryEntry[],
    how: { readonly isOrphan: boolean },
  ): Promise<void> {
    if (entries.length === 0 && !this.#options.isInUse()) return;
    try {
      const engine = await this.#options.engine();
      const { cleanupLeftovers } = await loadRemoval();
      const leftovers = leftoversOf(claim, entries, this.#entries());
      const { updates, errors } = await cleanupLeftovers(engine, leftovers, this.#options.signal);
      this.#note(updates, how);
      this.failures.push(...errors);
    } catch (error) {
      this.failures.push(error);
      const unknown = { state: 'unknown', failure: messageOf(error) } as const;
      this.#note(new Map(entries.map(({ key }) => [key, unknown])), how);
    }
  }

  #note(updates: ReadonlyMap<string, EntryUpdate>, how: { readonly isOrphan: boolean }): void {
    const { registry, workers } = this.#options;
    workers.update(updates, how);
    for (const { key } of registry.list()) {
      const update = updates.get(key);
      if (update !== undefined) registry.update(key, update);
    }
  }

  #entries(): readonly RegistryEntry[] {
    const { registry, workers } = this.#options;
    return [...registry.list(), ...workers.entries()];
  }
}

function hasLeaked({ leakedAt, state }: RegistryEntry): boolean {
  return leakedAt !== undefined && state === 'present';
}
