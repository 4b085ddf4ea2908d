import type { Bounds } from '../core/bounds';
import { CastoffError } from '../core/errors';
import { withTimeout } from '../core/timeout';
import { connectEngine } from '../engine/connect';
import type { Engine } from '../engine/engine';
import type { RegistryEntry } from '../registry/entry';
import type { Target } from '../resources/kind';
import { idOfRef } from '../resources/ref';
import { claimThirdParty, releaseThirdParty } from './third-party-labels';
import { suppressComposeDown } from './suppress-compose-down';
import { boundsAfter, boundsBefore } from './project-bounds';
import { watchProject } from './project-watch';
import { PartialStart } from './partial-start';
import { checkSameEngine } from './same-engine';
import { runInStart } from './start-context';
import type { OwnedTarget } from './owned-resource';
import { startsUnderWay, trackStart, type ReadyWait } from './starts-under-way';
import { StartError } from './start-error';
import { StartHistory } from './start-history';
import type { StartOptions } from './start-options';
import type { StartParameters, StartPlan } from './start-plan';
import type { ScopeContext } from './scope-context';

/** One start in a scope: registers before the creation, rolls back what fails or finishes after an abort. */
export class Start {
  readonly #plan: StartPlan & { readonly kind: Target['kind'] };
  readonly #context: ScopeContext;
  readonly #stop: StartOptions;
  readonly #settled = Promise.withResolvers<void>();
  #partial: PartialStart | undefined;
  #owned: OwnedTarget | undefined;
  #bounds: Bounds | undefined;
  #result: unknown;
  #hasFinished = false;
  /** The readiness check at which it failed. */
  #failedWait: ReadyWait | undefined;
  /** Resolves to the result of the start; rejects with `START_FAILED` after the rollback. */
  readonly started: Promise<unknown>;

  /** @param stop - How the started resource is stopped when its scope closes. */
  constructor(
    plan: StartPlan & { readonly kind: Target['kind'] },
    context: ScopeContext,
    stop: StartOptions,
  ) {
    this.#stop = stop;
    this.#plan = plan;
    this.#context = context;
    this.started = this.#run();
  }

  /**
   * Resolves to the resource that the closing scope has to remove, if any. Waits for an aborted start to end,
   * and rolls a failed one back once more: a slow engine may have created a resource late.
   *
   * @throws DeadlineError when the start takes too long; resources that it creates later are removed then.
   */
  async target(): Promise<OwnedTarget | undefined> {
    const limits = {
      what: `wait for the start of ${this.#plan.what} to finish`,
      timeoutMs: this.#context.cleanupTimeoutMs,
    };
    const [end] = await Promise.allSettled([withTimeout(this.#settled.promise, limits)]);
    if (this.#owned === undefined) await this.#rollBack();
    if (end.status === 'fulfilled') return this.#owned;
    this.#partial?.markLeft(end.reason);
    throw end.reason;
  }

  async #run(): Promise<unknown> {
    const { registry, signal, owner, engineAddress, ready, source } = this.#context;
    const { kind, name, what } = this.#plan;
    const history = new StartHistory(owner.scope, what);
    let entry: RegistryEntry | undefined;
    let creating: Promise<unknown> = Promise.resolve();
    let wasAbandoned = false;
    try {
      signal.throwIfAborted();
      if (ready !== undefined) await withTimeout(ready(), { what: `start ${what}`, signal });
      const engine = await connectEngine(engineAddress);
      signal.throwIfAborted();
      entry = await registry.register(kind, owner, { name, engine: engine.address });
      this.#bounds = await boundsBefore(engine, this.#plan);
      if (this.#bounds !== undefined) registry.update(entry.key, { bounds: this.#bounds });
      signal.throwIfAborted();
      creating = this.#create(entry, engine);
      await withTimeout(creating, { what: `start ${what}`, signal });
      await this.#takeOwnership(entry, engine);
      history.record();
      return this.#result;
    } catch (cause) {
      const finding = history.explain(cause, this.#failedWait);
      wasAbandoned = this.#partial !== undefined && !this.#hasFinished;
      if (entry !== undefined && this.#partial === undefined)
        registry.update(entry.key, { state: 'gone', outcome: 'never-created' });
      const [rollback] = await Promise.allSettled([this.#rollBack()]);
      const rollbackErrors = rollback.status === 'rejected' ? [rollback.reason as unknown] : [];
      throw new StartError(
        { what, source, finding, postMortems: this.#partial?.postMortems ?? [], rollbackErrors },
        cause,
      );
    } finally {
      void this.#settle(creating, wasAbandoned);
    }
  }

  async #create(entry: RegistryEntry, engine: Engine): Promise<void> {
    const { registry, signal, cleanupTimeoutMs: timeoutMs, owner, source } = this.#context;
    const { name = '', what } = this.#plan;
    const { key } = entry;
    const labels = this.#context.labels(key);
    const bounds = this.#bounds;
    const narrow = (narrowed: Bounds): Promise<void> => this.#narrow(key, narrowed);
    const partial = new PartialStart({ engine, registry, entry, timeoutMs, bounds, narrow });
    this.#partial = partial;
    const watch = bounds === undefined ? undefined : watchProject(engine, name, bounds);
    const sinceMs = performance.now();
    const untrack = trackStart({ key, what, source, scope: owner.scope, engine: engine.address, sinceMs });
    const hadParts = bounds?.except?.length !== 0;
    // If testcontainers uses another engine than castoff, only its own `down` can remove the project.
    const isRolledBack = (): boolean => hadParts || watch?.hasSeen === true;
    const allowDown = watch && suppressComposeDown(key, name, isRolledBack);
    try {
      await claimThirdParty(this.#plan, bounds);
      const parameters: StartParameters = {
        labels,
        signal,
        // After an abort, the container is unready only because castoff removes it.
        onUnready: async (id) => (signal.aborted ? undefined : partial.captureUnready(id)),
      };
      this.#result = await runInStart({ key, labels }, () => this.#plan.start(parameters));
    } catch (error) {
      this.#failedWait = startsUnderWay().find((start) => start.key === key)?.wait;
      await watch?.stop();
      if (watch !== undefined) partial.addWatched(watch);
      throw error;
    } finally {
      allowDown?.();
      await watch?.stop();
      untrack();
      this.#hasFinished = true;
    }
  }

  async #takeOwnership(entry: RegistryEntry, engine: Engine): Promise<void> {
    const { kind, name, what } = this.#plan;
    const isKnownById = kind === 'container' || kind === 'network';
    const id = isKnownById ? idOfRef(`start ${what}: what start() returned`, this.#result) : name;
    if (id === undefined) throw new CastoffError('CONFIG_INVALID', `start ${what}: start() returned nothing`);
    await checkSameEngine(engine, { kind, id }, what);
    if (this.#bounds !== undefined)
      await this.#narrow(entry.key, await boundsAfter(engine, id, this.#bounds));
    const known = { id, name: name ?? nameOfStarted(this.#result) };
    const state = { ...known, engine: engine.address, state: 'present' } as const;
    this.#owned = { ...this.#context.registry.update(entry.key, state), ...known, engine, stop: this.#stop };
  }

  /** Replaces the claim on parts that the start may create by one on created parts, without a gap. */
  async #narrow(key: string, bounds: Bounds): Promise<void> {
    const before = this.#bounds;
    if (before === bounds) return;
    this.#context.registry.update(key, { bounds });
    if (bounds.only?.length !== 0) await claimThirdParty(this.#plan, bounds);
    this.#bounds = bounds;
    await releaseThirdParty(this.#plan, before);
  }

  /** Waits for the start to finish, and removes resources that it created after it was abandoned. */
  async #settle(creating: Promise<unknown>, wasAbandoned: boolean): Promise<void> {
    await Promise.allSettled([creating]);
    // The registry records a failure; a scope that closes later tries again and reports it.
    if (wasAbandoned) await Promise.allSettled([this.#rollBack()]);
    this.#settled.resolve();
  }

  async #rollBack(): Promise<void> {
    if (this.#partial === undefined) return;
    await this.#partial.remove(this.#result, this.#hasFinished);
    if (this.#hasFinished) await releaseThirdParty(this.#plan, this.#bounds);
  }
}

function nameOfStarted(started: unknown): string | undefined {
  const getName: unknown =
    typeof started === 'object' && started !== null ? Reflect.get(started, 'getName') : undefined;
  const name: unknown = typeof getName === 'function' ? Reflect.apply(getName, started, []) : undefined;
  return typeof name === 'string' ? name.replace(/^\//, '') : undefined;
}
