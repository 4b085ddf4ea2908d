import type { Bounds } from '../core/bounds';
import { messageOf, throwAll } from '../core/errors';
import { labelNames } from '../core/labels';
import type { Engine } from '../engine/engine';
import type { RegistryEntry } from '../registry/entry';
import type { Registry } from '../registry/registry';
import { cleanupByLabel } from '../resources/cleanup-by-label';
import { cleanupOne, type CleanupResult } from '../resources/cleanup-one';
import { cleanupProject } from '../resources/compose-project';
import { capturePostMortem, describePostMortem, type PostMortem } from '../resources/post-mortem';
import { disposerOf } from './dispose';
import { boundsAfter } from './project-bounds';
import type { ProjectWatch } from './project-watch';

/** How a start is rolled back: where it runs, and how its resources are found. */
export interface RollbackOptions {
  readonly engine: Engine;
  readonly registry: Registry;
  /** Its key is the value of the start label; kinds without that label are found by its kind and name. */
  readonly entry: RegistryEntry;
  /** For each removal of a partly created resource, in milliseconds. */
  readonly timeoutMs: number;
  /** The parts of a Compose project that the start may create. */
  readonly bounds: Bounds | undefined;
  /** Called with the parts that the start created, after it has finished. */
  readonly narrow: (bounds: Bounds) => Promise<void>;
}

/** The rollback of a failed start: finds what it created by label or name, captures its state, removes it. */
export class PartialStart {
  readonly #options: RollbackOptions;
  #outcome: CleanupResult['outcome'] | undefined;
  #isRemoved = false;
  #bounds: Bounds | undefined;
  /** The state of partly created containers before they were removed. */
  readonly postMortems: PostMortem[] = [];

  constructor(options: RollbackOptions) {
    this.#options = options;
    this.#bounds = options.bounds;
  }

  /** Adds the observations of a Compose project made while it started. */
  addWatched(watch: ProjectWatch): void {
    if (watch.hasSeen) this.#outcome ??= 'removed-elsewhere';
    for (const postMortem of watch.postMortems()) this.#addPostMortem(postMortem);
  }

  /** Captures a container that did not become ready, before testcontainers removes it. Never rejects. */
  async captureUnready(id: string): Promise<void> {
    const { engine, registry, entry } = this.#options;
    this.#outcome = 'removed-elsewhere';
    try {
      if (entry.kind === 'container')
        registry.update(entry.key, { id, engine: engine.address, state: 'present' });
      this.#addPostMortem(await capturePostMortem(engine, id));
    } catch (error) {
      this.#addPostMortem(describePostMortem(undefined, undefined, [messageOf(error)]));
    }
  }

  /**
   * Removes the created resources and records the outcome in the registry.
   *
   * @param startResult - Its own `stop` ends it when castoff finds nothing on its engine.
   * @param hasFinished - Before the start has finished, it may create more: nothing is recorded as gone.
   */
  async remove(startResult: unknown, hasFinished: boolean): Promise<void> {
    const { registry, entry } = this.#options;
    try {
      const found = await this.#removeCreated(hasFinished);
      if (found === undefined && this.#outcome === undefined) await this.#dispose(startResult);
      this.#outcome = found?.outcome ?? this.#outcome;
      if (this.#isRemoved && found === undefined) return;
      const known = found === undefined ? {} : { id: found.id, engine: this.#options.engine.address };
      const outcome = this.#outcome ?? 'never-created';
      registry.update(
        entry.key,
        hasFinished ? { ...known, state: 'gone', outcome } : { ...known, state: 'cleaning' },
      );
      this.#isRemoved = hasFinished;
    } catch (error) {
      this.markLeft(error);
      throw error;
    }
  }

  /** Records in the registry that resources may be left, and why. */
  markLeft(cause: unknown): void {
    const { registry, entry } = this.#options;
    this.#isRemoved = false;
    registry.update(entry.key, { state: 'left', failure: messageOf(cause) });
  }

  async #dispose(startResult: unknown): Promise<void> {
    const dispose = disposerOf(startResult);
    if (dispose === undefined) return;
    await dispose();
    this.#outcome = 'removed';
  }

  /** Resolves to the result of the removal; `undefined` when nothing was found. */
  async #removeCreated(hasFinished: boolean): Promise<CleanupResult | undefined> {
    const { engine, entry, timeoutMs } = this.#options;
    const { kind, key, name = '' } = entry;
    const options = { timeoutMs, postMortem: true };
    if (kind === 'container') {
      const { results, errors } = await cleanupByLabel(engine, [`${labelNames.start}=${key}`], options);
      for (const { postMortem } of results) this.#addPostMortem(postMortem);
      throwAll(`${errors.length} removals failed`, errors);
      return results[0];
    }
    if (kind === 'compose-project') {
      if (hasFinished) await this.#narrow(name);
      const result = await cleanupProject(engine, name, { ...options, bounds: this.#bounds });
      for (const { postMortem } of result.parts) this.#addPostMortem(postMortem);
      return result.outcome === 'already-gone' ? undefined : result;
    }
    const result = await cleanupOne(engine, kind, name, options);
    return result.outcome === 'already-gone' ? undefined : result;
  }

  /** Lists the created parts once, after the start: a later project of that name has another owner. */
  async #narrow(project: string): Promise<void> {
    const { engine, narrow, bounds } = this.#options;
    if (bounds === undefined || this.#bounds !== bounds) return;
    this.#bounds = await boundsAfter(engine, project, bounds);
    await narrow(this.#bounds);
  }

  // The first capture wins: an unready container is captured before testcontainers stops it.
  #addPostMortem(postMortem: PostMortem | undefined): void {
    const isKnown = this.postMortems.some(({ name }) => name === postMortem?.name);
    if (postMortem !== undefined && !isKnown) this.postMortems.push(postMortem);
  }
}
