import type { Bounds } from '../core/bounds';
import { CastoffError } from '../core/errors';
import { withTimeout } from '../core/timeout';
import { connectEngine } from '../engine/connect';
import type { Engine } from '../engine/engine';
import type { RegistryEntry } from '../registry/entry';
import type { Target } from '../resources/plan';
import { idOfRef } from '../resources/ref';
import { claimThirdParty, releaseThirdParty } from './third-party-labels';
import { holdDown } from './hold-down';
import { boundsAfter, boundsBefore } from './project-bounds';
import { watchProject } from './project-watch';
import { PartialStart } from './partial-start';
import { checkSameEngine } from './same-engine';
import { runInStart } from './start-context';
import type { OwnedTarget } from './owned-target';
import { beginStart } from './starts-under-way';
import { StartError } from './start-error';
import type { StartMark, StartPlan } from './startable';
import type { ScopeContext } from './scope-context';

/**
 * One start in a scope: registered before it is created, rolled back when it fails, released when it comes too late.
 */
export class Start {
  readonly #plan: StartPlan & { readonly kind: Target['kind'] };
  readonly #surroundings: ScopeContext;
  readonly #source: string | undefined;
  readonly #settled = Promise.withResolvers<void>();
  #halfMade: PartialStart | undefined;
  #owned: OwnedTarget | undefined;
  #bounds: Bounds | undefined;
  #product: unknown;
  #hasEnded = false;
  /** Resolves to what was started; rejects with `START_FAILED` when that has been rolled back. */
  readonly started: Promise<unknown>;

  constructor(
    plan: StartPlan & { readonly kind: Target['kind'] },
    surroundings: ScopeContext,
    source: string | undefined,
  ) {
    this.#plan = plan;
    this.#surroundings = surroundings;
    this.#source = source;
    this.started = this.#run();
  }

  /**
   * What is there to be removed when the scope closes; `undefined` for a start that came to nothing. Waits for a start that
   * was aborted and has not ended, and looks once more for what a failed one has made: the engine may have been slow.
   *
   * @throws DeadlineError when the start has not ended in time; what it still brings is removed then, whenever that is.
   */
  async target(): Promise<OwnedTarget | undefined> {
    const limits = {
      what: `wait for ${this.#plan.what} to end its start`,
      timeoutMs: this.#surroundings.cleanupTimeoutMs,
    };
    const [end] = await Promise.allSettled([withTimeout(this.#settled.promise, limits)]);
    if (this.#owned === undefined) await this.#rollBack();
    if (end.status === 'fulfilled') return this.#owned;
    this.#halfMade?.leave(end.reason);
    throw end.reason;
  }

  async #run(): Promise<unknown> {
    const { registry, signal, owner, engineAddress, ready } = this.#surroundings;
    const { kind, name, what } = this.#plan;
    let entry: RegistryEntry | undefined;
    let beginning: Promise<unknown> = Promise.resolve();
    let wasGivenUp = false;
    try {
      signal.throwIfAborted();
      if (ready !== undefined) await withTimeout(ready(), { what: `start ${what}`, signal });
      const engine = await connectEngine(engineAddress);
      signal.throwIfAborted();
      entry = await registry.register(kind, owner(this.#source), { name, engine: engine.address });
      this.#bounds = await boundsBefore(engine, this.#plan);
      if (this.#bounds !== undefined) registry.update(entry.key, { bounds: this.#bounds });
      signal.throwIfAborted();
      beginning = this.#begin(entry, engine);
      await withTimeout(beginning, { what: `start ${what}`, signal });
      await this.#own(entry, engine);
      return this.#product;
    } catch (cause) {
      wasGivenUp = this.#halfMade !== undefined && !this.#hasEnded;
      if (entry !== undefined && this.#halfMade === undefined)
        registry.update(entry.key, { state: 'gone', outcome: 'never-created' });
      const [rollback] = await Promise.allSettled([this.#rollBack()]);
      throw new StartError(
        {
          what,
          source: this.#source,
          postMortems: this.#halfMade?.postMortems ?? [],
          rollbackErrors: rollback.status === 'rejected' ? [rollback.reason] : [],
        },
        cause,
      );
    } finally {
      void this.#settle(beginning, wasGivenUp);
    }
  }

  async #begin(entry: RegistryEntry, engine: Engine): Promise<void> {
    const { registry, signal, cleanupTimeoutMs: timeoutMs } = this.#surroundings;
    const labels = this.#surroundings.labels(entry.key, this.#source);
    const narrow = (bounds: Bounds): Promise<void> => this.#narrow(entry.key, bounds);
    const halfMade = new PartialStart({ engine, registry, entry, timeoutMs, bounds: this.#bounds, narrow });
    this.#halfMade = halfMade;
    const { name = '' } = this.#plan;
    const watch = this.#bounds === undefined ? undefined : watchProject(engine, name, this.#bounds);
    const { what } = this.#plan;
    const { scope } = this.#surroundings;
    const source = this.#source;
    const sinceMs = performance.now();
    const endStart = beginStart({ key: entry.key, what, source, scope, engine: engine.address, sinceMs });
    const wasThere = this.#bounds?.except?.length !== 0;
    // What is on another engine than ours only testcontainers can take down.
    const isRolledBack = (): boolean => wasThere || watch?.hasSeen === true;
    const letGo = watch && holdDown({ key: entry.key, project: name, isRolledBack });
    try {
      await claimThirdParty(this.#plan, this.#bounds);
      const mark: StartMark = {
        labels,
        signal,
        // Where the start is not wanted any more, it is our own removal that makes it fail.
        onNotReady: async (id) => (signal.aborted ? undefined : halfMade.captureNotReady(id)),
      };
      this.#product = await runInStart({ key: entry.key, labels }, () => this.#plan.begin(mark));
    } catch (error) {
      await watch?.stop();
      if (watch !== undefined) halfMade.takeWatched(watch);
      throw error;
    } finally {
      letGo?.();
      await watch?.stop();
      endStart();
      this.#hasEnded = true;
    }
  }

  async #own(entry: RegistryEntry, engine: Engine): Promise<void> {
    const { kind, name, what } = this.#plan;
    const isKnownById = kind === 'container' || kind === 'network';
    const id = isKnownById ? idOfRef(`start ${what}: what start() returned`, this.#product) : name;
    if (id === undefined) throw new CastoffError('CONFIG_INVALID', `start ${what}: start() returned nothing`);
    await checkSameEngine(engine, { kind, id }, what);
    if (this.#bounds !== undefined)
      await this.#narrow(entry.key, await boundsAfter(engine, id, this.#bounds));
    const title = name ?? nameOfStarted(this.#product);
    this.#surroundings.registry.update(entry.key, {
      id,
      name: title,
      engine: engine.address,
      state: 'present',
    });
    this.#owned = {
      kind,
      id,
      name: title,
      bounds: this.#bounds,
      key: entry.key,
      engine: engine.address,
    };
  }

  /** Replaces the claim on what the start may create by one on what it created, without a moment between the two. */
  async #narrow(key: string, bounds: Bounds): Promise<void> {
    const before = this.#bounds;
    if (before === bounds) return;
    this.#surroundings.registry.update(key, { bounds });
    // There is nothing to claim of what has brought nothing.
    if (bounds.only?.length !== 0) await claimThirdParty(this.#plan, bounds);
    this.#bounds = bounds;
    await releaseThirdParty(this.#plan, before);
  }

  /** What a start that was given up before its end still brings is removed as soon as that has come. */
  async #settle(beginning: Promise<unknown>, wasGivenUp: boolean): Promise<void> {
    await Promise.allSettled([beginning]);
    // A failure of this stands in the registry, and the scope's close, where that is still to come, tries again and tells.
    if (wasGivenUp) await Promise.allSettled([this.#rollBack()]);
    this.#settled.resolve();
  }

  async #rollBack(): Promise<void> {
    if (this.#halfMade === undefined) return;
    await this.#halfMade.remove(this.#product, this.#hasEnded);
    if (this.#hasEnded) await releaseThirdParty(this.#plan, this.#bounds);
  }
}

function nameOfStarted(product: unknown): string | undefined {
  const getName: unknown =
    typeof product === 'object' && product !== null ? Reflect.get(product, 'getName') : undefined;
  const name: unknown = typeof getName === 'function' ? Reflect.apply(getName, product, []) : undefined;
  return typeof name === 'string' ? name.replace(/^\//, '') : undefined;
}
