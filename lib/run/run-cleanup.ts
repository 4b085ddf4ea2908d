import { CastoffError, messageOf } from '../core/errors';
import { claimKey, type BoundedLabels } from '../core/bounds';
import { labelNames, type Owner } from '../core/labels';
import type { Engine } from '../engine/engine';
import type { FinalState, LeftOnEngine, ResourceRecord } from '../verdict/verdict';
import { claimedLabels } from '../registry/claims';
import type { EntryUpdate, RegistryEntry } from '../registry/entry';
import { isOpen } from '../registry/open-entry';
import type { Registry } from '../registry/registry';
import type { EndPatience } from '../session/end-patience';
import { namesOfOpen } from '../session/open-names';
import { RunLeaks } from './remove-leaks';
import { recordOf, type ClaimedProject, type RunWorkers } from './run-workers';
import { keptKeys, keptProjects, leftoversOf } from './kept-keys';
import { isPerWorker, scopeLabel, sharedScope } from '../registry/scope-names';

export interface RunCleanupOptions {
  readonly session: string;
  readonly owner: Owner;
  /** What the run's own process has. */
  readonly registry: Registry;
  readonly workers: RunWorkers;
  /** Whether a scope of that name is a shared thing's. */
  readonly isShared: (scope: string) => boolean;
  /** Whether a leak stays until the end of the run. */
  readonly isLeftAlone: (entry: RegistryEntry) => boolean;
  /** Rejects where none can be reached. */
  readonly engine: () => Promise<Engine>;
  /** Whether the run has an engine, or is about to. */
  readonly isInUse: () => boolean;
  /** A patience for what is waited for while the tests go on. */
  readonly patience: (waitingFor: () => readonly string[]) => EndPatience;
  /** Ends the waiting for the engine at the end of the run. */
  readonly signal: AbortSignal;
  /** Gives up what a worker has claimed. */
  readonly release: (worker: string, claim: BoundedLabels) => Promise<void>;
}

// Loaded with its first use: a run without containers is not to pay for it.
const loadRemoval = () => import('./remove-leftovers.ts');

/** Removes what belongs to the run as a whole, or to workers that are gone. What fails is noted, and thrown to nobody. */
export class RunCleanup {
  readonly #options: RunCleanupOptions;
  readonly #burials = new Set<Promise<void>>();
  readonly #leaks: RunLeaks;
  #looks: ReadonlyMap<string, FinalState> = new Map();
  readonly failures: unknown[] = [];
  deadWorkers = 0;

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
   * Removes those of the entries with these keys that are leaks, and resolves when that has ended. Images stay until the end of the
   * run, as does what is ignored or not judged.
   */
  async removeLeaks(keys: readonly string[]): Promise<void> {
    const { workers, registry } = this.#options;
    const entries = [...workers.entries(), ...registry.list()];
    await this.#removeLeaksAmong(entries.filter(({ key }) => keys.includes(key)));
  }

  /**
   * Removes what a worker had that has ended without a word, unless all of it is gone. Images stay until the run's end: a build of
   * another worker may rest on their layers.
   */
  cleanUpWorker(worker: string, { isWaiting }: { readonly isWaiting: boolean }): void {
    const { workers, isShared } = this.#options;
    // It died between noting its leaks and asking for their removal.
    void this.#removeLeaksAmong(workers.entries((whose) => whose === worker));
    const isOwn = (entry: RegistryEntry): boolean =>
      isOpen(entry) && !isShared(entry.owner.scope) && !hasLeaked(entry) && entry.kind !== 'image';
    const own = workers.entries((whose, entry) => whose === worker && isOwn(entry));
    const projects = workers.unnamedProjectsOf(worker);
    if (own.length === 0 && projects.length === 0 && !isWaiting) return;
    // What is made once for a worker is to go with it.
    const isMissed = isWaiting || projects.length > 0 || own.some(({ owner }) => !isPerWorker(owner.scope));
    if (isMissed) this.deadWorkers += 1;
    const burial = this.#bury(worker, own, projects, isMissed).finally(() => this.#burials.delete(burial));
    this.#burials.add(burial);
  }

  /** Resolves when nothing of dead workers, and nothing that has leaked, is being removed any more. */
  async settled(): Promise<void> {
    while (this.#burials.size > 0) await Promise.allSettled(this.#burials);
    await this.#leaks.areGone();
  }

  /** Removes what was made for a shared thing, by whichever worker. */
  async clearShared(name: string): Promise<void> {
    const { session, workers, registry } = this.#options;
    const scope = sharedScope(name);
    const isOfIt = (entry: RegistryEntry): boolean => isOpen(entry) && entry.owner.scope === scope;
    const entries = [
      ...workers.entries((_, entry) => isOfIt(entry)),
      ...registry.list().filter((entry) => isOfIt(entry)),
    ];
    const labels = [`${labelNames.session}=${session}`, scopeLabel(scope)];
    await this.#remove({ labels }, entries, { isOrphan: false });
  }

  /**
   * Removes all that is left of the run but for what is kept.
   *
   * @throws CastoffError `CLEANUP_FAILED` with every failure in `errors`.
   */
  async closeRest(connected: Engine | undefined): Promise<void> {
    const { session, owner, signal } = this.#options;
    const engine = connected ?? (await this.#options.engine());
    const { closeLeftovers } = await import('../session/close-leftovers.ts');
    const { cleanupLeftovers, isSparedAs } = await loadRemoval();
    const errors: unknown[] = [];
    const entries = this.#entries().filter((entry) => isOpen(entry));
    const rest = leftoversOf({ labels: [`${labelNames.session}=${session}`] }, entries, this.#entries());
    const { kept, recorded } = rest;
    const end = await cleanupLeftovers(engine, rest, signal);
    this.#note(end.updates, { isOrphan: false });
    errors.push(...end.errors);
    try {
      // Also what else is claimed; and what came meanwhile.
      await closeLeftovers(engine, session, { isSpared: isSparedAs(kept), recorded, signal });
    } catch (error) {
      errors.push(error);
    }
    if (kept.size > 0) {
      // From here on another process holds what is kept: this one gives its claims up.
      const { startRetention } = await import('./start-retention.ts');
      await startRetention(engine, { session, owner, projects: keptProjects(this.#entries()) }).catch(
        (error: unknown) => void errors.push(error),
      );
    }
    if (errors.length === 0) return;
    const reasons = errors.map((error) => `  ${messageOf(error)}`).join('\n');
    throw new CastoffError('CLEANUP_FAILED', `close the run: ${errors.length} failures\n${reasons}`, {
      cause: errors[0],
      errors,
    });
  }

  /** The claims that the reaper is to give up, so that what is kept stays. */
  released(): readonly BoundedLabels[] {
    if (keptKeys(this.#entries()).size === 0) return [];
    return [{ labels: [`${labelNames.session}=${this.#options.session}`] }, ...claimedLabels()];
  }

  /** What is open, in words, for a person who waits for it. */
  waitingFor(): readonly string[] {
    return namesOfOpen(this.#entries());
  }

  /**
   * What the engine still has of the run, but for reapers and what is kept; what is not known to be gone is looked at once more.
   *
   * @param connected - The session's engine, where there is a session.
   * @throws EngineError when the engine does not list what it has; ENGINE_UNREACHABLE.
   */
  async look(connected: Engine | undefined): Promise<readonly LeftOnEngine[]> {
    const { isSparedAs } = await loadRemoval();
    const { checkFinally } = await import('./final-check.ts');
    const { session, signal } = this.#options;
    const engine = connected ?? (await this.#options.engine());
    const { left, looks, error } = await checkFinally(engine, { session, entries: this.#entries(), signal });
    this.#looks = looks;
    if (error !== undefined) throw error;
    const isSpared = isSparedAs(keptKeys(this.#entries()));
    return left.filter(({ labels }) => !isSpared(labels));
  }

  /** All that the run has had. */
  records(): readonly ResourceRecord[] {
    const own = this.#options.registry.list().map((entry) => recordOf(entry, false, this.#looks));
    return [...own, ...this.#options.workers.records(this.#looks)];
  }

  async #removeLeaksAmong(entries: readonly RegistryEntry[]): Promise<void> {
    const { isLeftAlone } = this.#options;
    await this.#leaks.remove(
      entries.filter((entry) => hasLeaked(entry) && entry.kind !== 'image' && !isLeftAlone(entry)),
    );
  }

  async #bury(
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
      // Another worker may have taken it up meanwhile.
      const key = claimKey(claim.labels, claim.bounds);
      const isClaimed = this.#options.workers
        .projectsOf(worker)
        .some((one) => claimKey(one.labels, one.bounds) === key);
      if (isClaimed) await this.#remove(claim, [], { isOrphan });
    }
    if (this.failures.length > failuresBefore) return;
    // All of it is gone: what comes under the same names from now on is not the worker's.
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
      const rest = leftoversOf(claim, entries, this.#entries());
      const { updates, errors } = await cleanupLeftovers(engine, rest, this.#options.signal);
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
