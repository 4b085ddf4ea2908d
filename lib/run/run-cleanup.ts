import { cleanupFailed, messageOf } from '../core/errors';
import type { BoundedLabels } from '../core/bounds';
import { labelNames } from '../core/labels';
import type { Engine } from '../engine/engine';
import type { ListedTarget } from '../engine/list-targets';
import type { FinalState, LeftOnEngine, ResourceRecord } from '../verdict/verdict';
import type { Retention } from '../lease/session-lease';
import { isOpen, type RegistryEntry } from '../registry/entry';
import type { EndPatience } from '../session/end-patience';
import { displayName } from '../verdict/describe-record';
import { listOpenNames } from '../session/list-open-names';
import type { RunEntries } from './run-entries';
import type { DeadClaim, RunLeases } from './run-leases';
import { isNamed, projectOf } from './claimed-project';
import { keptKeys, keptProjects, leftoversOf, retentionMs } from './kept-keys';
import { isPerWorker, scopeLabel, sharedScope } from '../registry/scope-names';

interface RunCleanupOptions {
  readonly session: string;
  readonly entries: RunEntries;
  readonly leases: RunLeases;
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
}

// Loaded on first use, so that a run without containers does not pay for it.
const loadRemoval = () => import('./remove-leftovers.ts');

/** Removes the resources of the run as a whole, and of dead workers. Collects failures instead of throwing. */
export class RunCleanup {
  readonly #options: RunCleanupOptions;
  readonly #cleanups = new Set<Promise<void>>();
  #finalStates: ReadonlyMap<string, FinalState> = new Map();
  /** The session's resources, if there was nothing to remove at the end. */
  #untouched: readonly ListedTarget[] | undefined;
  readonly failures: unknown[] = [];
  deadWorkers = 0;
  /** Whether a reaper keeps the kept resources, and removes them when the time has passed. */
  isRetained = false;

  constructor(options: RunCleanupOptions) {
    this.#options = options;
  }

  /**
   * Removes the leaks among the entries with these keys, and resolves when the removals have finished.
   * Images, and resources that are ignored or not judged, stay until the end of the run.
   */
  async removeLeaks(keys: readonly string[]): Promise<void> {
    await this.#removeLeaksAmong(this.#options.entries.list().filter(({ key }) => keys.includes(key)));
  }

  /**
   * Removes the remaining resources of a worker whose connection has ended. Images stay until the end of the
   * run: a build of another worker may use their layers.
   *
   * @param claims - The claims of its lease; none when it had left the run.
   * @param isWaiting - Whether it had unanswered requests.
   */
  cleanUpWorker(worker: string, claims: readonly DeadClaim[], isWaiting: boolean): void {
    const [labelled, ...others] = claims;
    if (labelled === undefined) return;
    void this.#track(this.#endProcesses(worker));
    const { entries, isShared } = this.#options;
    const reported = entries.ofWorker(worker);
    // It may have died after it reported leaks and before it requested their removal.
    void this.#removeLeaksAmong(reported);
    const isOwn = (entry: RegistryEntry): boolean =>
      isOpen(entry) && !isShared(entry.owner.scope) && !hasLeaked(entry) && entry.kind !== 'image';
    const own = reported.filter(isOwn);
    const projects = others.filter(({ claim }) => projectOf(claim) !== undefined);
    const unnamed = projects.filter(({ claim }) => !isNamed(claim, entries.list()));
    const isIdle = own.length === 0 && unnamed.length === 0 && !isWaiting;
    // Fixtures per worker are removed when their worker ends: that alone is no crash.
    const isLost = isWaiting || unnamed.length > 0 || own.some(({ owner }) => !isPerWorker(owner.scope));
    if (isLost) this.deadWorkers += 1;
    const removing = isIdle ? Promise.resolve(false) : this.#removeDead([labelled, ...unnamed], own, isLost);
    void this.#track(removing.then((isRemoved) => this.#finish(claims, isRemoved ? projects : [])));
  }

  /** Resolves when all removals for dead workers, and of leaks, have finished. */
  async settled(): Promise<void> {
    while (this.#cleanups.size > 0) await Promise.allSettled(this.#cleanups);
  }

  async clearShared(name: string): Promise<void> {
    const scope = sharedScope(name);
    const all = this.#options.entries.list();
    const entries = all.filter((entry) => isOpen(entry) && entry.owner.scope === scope);
    const labels = [`${labelNames.session}=${this.#options.session}`, scopeLabel(scope)];
    await this.#remove({ labels }, entries, false);
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
    const all = this.#options.entries.list();
    const entries = all.filter((entry) => isOpen(entry));
    const leftovers = leftoversOf({ labels: [`${labelNames.session}=${session}`] }, entries, all);
    const { kept, recorded } = leftovers;
    const { updates, untouched, errors: failures } = await cleanupLeftovers(engine, leftovers, signal);
    this.#options.entries.update(updates);
    const errors = [...failures];
    const rest = { isSpared: isSparedAs(kept), recorded, signal, isSessionClosed: untouched !== undefined };
    try {
      // Removes resources of other claims, and those created meanwhile.
      const removed = await closeLeftovers(engine, session, rest);
      this.#untouched = removed === 0 ? untouched : undefined;
    } catch (error) {
      errors.push(error);
    }
    if (errors.length > 0) throw cleanupFailed(`close the run: ${errors.length} failures`, errors);
  }

  /** Returns the claims on the kept resources; `undefined` when there are none. */
  retention(): Retention | undefined {
    const entries = this.#options.entries.list();
    if (keptKeys(entries).size === 0) return undefined;
    const own: BoundedLabels = { labels: [`${labelNames.session}=${this.#options.session}`] };
    const onAccepted = (): void => void (this.isRetained = true);
    return { keepMs: retentionMs, claims: [own, ...keptProjects(entries)], onAccepted };
  }

  waitingFor(): readonly string[] {
    return listOpenNames(this.#options.entries.list());
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
    const check = { session, entries: this.#options.entries.list(), signal, listed: this.#untouched };
    const { left, states, error } = await checkFinally(engine, check);
    this.#finalStates = states;
    if (error !== undefined) throw error;
    const isSpared = isSparedAs(keptKeys(this.#options.entries.list()));
    return left.filter(({ labels }) => !isSpared(labels));
  }

  records(): readonly ResourceRecord[] {
    return this.#options.entries.records(this.#finalStates);
  }

  async #removeLeaksAmong(entries: readonly RegistryEntry[]): Promise<void> {
    const { isExempt } = this.#options;
    const leaks = entries.filter((entry) => hasLeaked(entry) && entry.kind !== 'image' && !isExempt(entry));
    if (leaks.length > 0) await this.#track(this.#removeTogether(leaks));
  }

  async #removeTogether(leaks: readonly RegistryEntry[]): Promise<void> {
    const patience = this.#options.patience(() => leaks.map((entry) => displayName(entry)));
    patience.start();
    try {
      const engine = await this.#options.engine();
      const { removeEntries } = await loadRemoval();
      this.#options.entries.update(await removeEntries(engine, leaks, patience.signal));
    } catch (error) {
      // The end of the run tries again.
      this.failures.push(error);
    } finally {
      patience.end();
    }
  }

  async #endProcesses(worker: string): Promise<void> {
    try {
      const { endWorkerProcesses } = await import('./end-worker-processes.ts');
      this.failures.push(...(await endWorkerProcesses(this.#options.session, worker)));
    } catch (error) {
      this.failures.push(error);
    }
  }

  /** Makes `settled` wait for a cleanup that never rejects. */
  #track(cleanup: Promise<void>): Promise<void> {
    const tracked = cleanup.finally(() => this.#cleanups.delete(tracked));
    this.#cleanups.add(tracked);
    return tracked;
  }

  /** Resolves to whether everything that the claims cover is removed. `own`: the entries of the first claim. */
  async #removeDead(
    claims: readonly DeadClaim[],
    own: readonly RegistryEntry[],
    isOrphan: boolean,
  ): Promise<boolean> {
    const failuresBefore = this.failures.length;
    for (const [index, dead] of claims.entries())
      if (this.#options.leases.isDead(dead)) await this.#remove(dead.claim, index === 0 ? own : [], isOrphan);
    return this.failures.length === failuresBefore;
  }

  async #finish(claims: readonly DeadClaim[], removed: readonly DeadClaim[]): Promise<void> {
    await this.#options.leases.finish(removed, { isRemoved: true });
    await this.#options.leases.finish(claims, { isRemoved: false });
  }

  async #remove(claim: BoundedLabels, entries: readonly RegistryEntry[], isOrphan: boolean): Promise<void> {
    if (entries.length === 0 && !this.#options.isInUse()) return;
    try {
      const engine = await this.#options.engine();
      const { cleanupLeftovers } = await loadRemoval();
      const leftovers = leftoversOf(claim, entries, this.#options.entries.list());
      const { updates, errors } = await cleanupLeftovers(engine, leftovers, this.#options.signal);
      this.#options.entries.update(updates, { isOrphan });
      this.failures.push(...errors);
    } catch (error) {
      this.failures.push(error);
      const unknown = { state: 'unknown', failure: messageOf(error) } as const;
      this.#options.entries.update(new Map(entries.map(({ key }) => [key, unknown])), { isOrphan });
    }
  }
}

function hasLeaked({ leakedAt, state }: RegistryEntry): boolean {
  return leakedAt !== undefined && state === 'present';
}
