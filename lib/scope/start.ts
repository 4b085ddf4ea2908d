import { CastoffError, messageOf } from '../core/errors';
import { labelNames } from '../core/labels';
import { waitAtMost } from '../core/patience';
import { connectEngine } from '../engine/connect';
import type { RegistryEntry } from '../registry/entry';
import { cleanupByLabel } from '../resources/cleanup-by-label';
import type { CleanupResult } from '../resources/cleanup-one';
import { cleanupResource } from '../resources/cleanup-resource';
import type { Target } from '../resources/plan';
import { capturePostMortem, describePostMortem, type PostMortem } from '../resources/post-mortem';
import { idOfRef } from '../resources/ref';
import { disposerOf } from './dispose';
import { checkSameEngine } from './same-engine';
import { StartError } from './start-error';
import type { StartPlan } from './startable';
import type { Surroundings } from './surroundings';

/** A thing of a scope that is, or will be, on an engine. */
export interface OwnedTarget extends Target {
  readonly key: string;
  readonly name?: string | undefined;
}

/**
 * One start in a scope: registered before it is created, rolled back when it fails, released when it comes too late.
 */
export class Start {
  readonly #plan: StartPlan & { readonly kind: Target['kind'] };
  readonly #surroundings: Surroundings;
  readonly #source: string | undefined;
  readonly #settled = Promise.withResolvers<void>();
  #entry: RegistryEntry | undefined;
  #owned: OwnedTarget | undefined;
  #product: unknown;
  readonly #postMortems: PostMortem[] = [];
  #hasBegun = false;
  /** How what was half made came to be gone, once some of it was seen. */
  #rollbackOutcome: CleanupResult['outcome'] | undefined;
  /** Resolves to what was started; rejects with `START_FAILED` when that has been rolled back. */
  readonly started: Promise<unknown>;

  constructor(
    plan: StartPlan & { readonly kind: Target['kind'] },
    surroundings: Surroundings,
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
   */
  async target(): Promise<OwnedTarget | undefined> {
    await this.#settled.promise;
    if (this.#owned === undefined && this.#hasBegun) await this.#rollBack();
    return this.#owned;
  }

  async #run(): Promise<unknown> {
    const { registry, signal, owner, labels } = this.#surroundings;
    const { kind, name, what } = this.#plan;
    let beginning: Promise<unknown> = Promise.resolve();
    try {
      const entry = await registry.register(kind, owner(this.#source), name);
      this.#entry = entry;
      signal.throwIfAborted();
      this.#hasBegun = true;
      const mark = {
        labels: labels(entry.key, this.#source),
        onNotReady: (id: string) => this.#captureNotReady(entry, id),
      };
      beginning = this.#plan.begin(mark).then((product) => (this.#product = product));
      await waitAtMost(beginning, { what: `start ${what}`, signal });
      await this.#own(entry);
      return this.#product;
    } catch (cause) {
      const rollbackErrors = await this.#tryRollBack();
      throw new StartError(
        { what, source: this.#source, postMortems: this.#postMortems, rollbackErrors },
        cause,
      );
    } finally {
      const settle = (): void => this.#settled.resolve();
      beginning.then(settle, settle);
    }
  }

  async #own(entry: RegistryEntry): Promise<void> {
    const { kind, name, what } = this.#plan;
    const { registry, engineAddress } = this.#surroundings;
    const isKnownById = kind === 'container' || kind === 'network';
    const id = isKnownById ? idOfRef(`start ${what}: what start() returned`, this.#product) : name;
    if (id === undefined) throw new CastoffError('CONFIG_INVALID', `start ${what}: start() returned nothing`);
    const engine = await connectEngine(engineAddress);
    if (kind === 'container') await checkSameEngine(engine, id, what);
    const title = name ?? nameOfStarted(this.#product);
    registry.update(entry.key, { id, name: title, engine: engine.address, state: 'present' });
    this.#owned = { kind, id, name: title, key: entry.key };
  }

  async #captureNotReady(entry: RegistryEntry, id: string): Promise<void> {
    const { registry, engineAddress } = this.#surroundings;
    try {
      const engine = await connectEngine(engineAddress);
      registry.update(entry.key, { id, engine: engine.address, state: 'present' });
      this.#rollbackOutcome = 'removed-elsewhere';
      this.#capture(await capturePostMortem(engine, id));
    } catch (error) {
      this.#capture(describePostMortem(undefined, undefined, [messageOf(error)]));
    }
  }

  #capture(postMortem: PostMortem | undefined): void {
    if (postMortem !== undefined) this.#postMortems.push(postMortem);
  }

  async #tryRollBack(): Promise<readonly unknown[]> {
    try {
      await this.#rollBack();
      return [];
    } catch (error) {
      return [error];
    }
  }

  async #rollBack(): Promise<void> {
    const { registry } = this.#surroundings;
    const entry = this.#entry;
    if (entry === undefined) return;
    try {
      const results = this.#hasBegun ? await this.#removeHalfMade(entry.key) : [];
      const [first] = results;
      this.#rollbackOutcome = first?.outcome ?? this.#rollbackOutcome;
      const found = first === undefined ? {} : { id: first.id };
      registry.update(entry.key, {
        ...found,
        state: 'gone',
        outcome: this.#rollbackOutcome ?? 'never-created',
      });
      for (const { postMortem } of results) this.#capture(postMortem);
    } catch (error) {
      registry.update(entry.key, { state: 'left' });
      throw error;
    }
  }

  async #removeHalfMade(key: string): Promise<readonly CleanupResult[]> {
    const results = await this.#removeMarked(key);
    // A product of which our engine knows nothing stands on another one: only its own way leads there.
    if (results.length === 0 && this.#rollbackOutcome === undefined) await disposerOf(this.#product)?.();
    this.#product = undefined;
    return results;
  }

  async #removeMarked(key: string): Promise<readonly CleanupResult[]> {
    const { kind, name } = this.#plan;
    const { engineAddress, cleanupTimeoutMs } = this.#surroundings;
    const options = { engine: engineAddress, timeoutMs: cleanupTimeoutMs, postMortem: true };
    if (kind !== 'container') {
      const result = await cleanupResource({ kind, id: name ?? '' }, options);
      return result.outcome === 'already-gone' ? [] : [result];
    }
    const engine = await connectEngine(engineAddress);
    const { results, errors } = await cleanupByLabel(engine, [`${labelNames.start}=${key}`], options);
    if (errors[0] !== undefined) throw errors[0];
    return results;
  }
}

function nameOfStarted(product: unknown): string | undefined {
  const getName: unknown =
    typeof product === 'object' && product !== null ? Reflect.get(product, 'getName') : undefined;
  const name: unknown = typeof getName === 'function' ? Reflect.apply(getName, product, []) : undefined;
  return typeof name === 'string' ? name.replace(/^\//, '') : undefined;
}
