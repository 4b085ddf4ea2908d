import type { Bounds } from '../core/bounds';
import { CastoffError, messageOf } from '../core/errors';
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

/** Where a start makes what it makes, and under which mark. */
export interface RollbackOptions {
  readonly engine: Engine;
  readonly registry: Registry;
  /** Carries the key of the label; the kind and the name where that is the mark. */
  readonly entry: RegistryEntry;
  /** For each removal of what was half made. */
  readonly timeoutMs: number;
  /** Which parts of a Compose project may come from the start. */
  readonly bounds: Bounds | undefined;
  /** Called with the parts that have come from it, once it has ended. */
  readonly narrow: (bounds: Bounds) => Promise<void>;
}

/** What a start that has not ended well has left on the engine: found by its mark, captured for the error, removed. */
export class PartialStart {
  readonly #making: RollbackOptions;
  #outcome: CleanupResult['outcome'] | undefined;
  #isGone = false;
  #bounds: Bounds | undefined;
  /** What the half-made containers were like before they were removed. */
  readonly postMortems: PostMortem[] = [];

  constructor(making: RollbackOptions) {
    this.#making = making;
    this.#bounds = making.bounds;
  }

  /** Takes over what was seen of a Compose project while it came up. */
  takeWatched(watch: ProjectWatch): void {
    if (watch.hasSeen) this.#outcome ??= 'removed-elsewhere';
    for (const postMortem of watch.postMortems()) this.#keep(postMortem);
  }

  /** Looks at a container that did not become ready: testcontainers is about to remove it. Never rejects. */
  async captureNotReady(id: string): Promise<void> {
    const { engine, registry, entry } = this.#making;
    this.#outcome = 'removed-elsewhere';
    try {
      if (entry.kind === 'container')
        registry.update(entry.key, { id, engine: engine.address, state: 'present' });
      this.#keep(await capturePostMortem(engine, id));
    } catch (error) {
      this.#keep(describePostMortem(undefined, undefined, [messageOf(error)]));
    }
  }

  /**
   * Removes what there is, and says so to the registry.
   *
   * @param product - What the start has brought: where our engine knows nothing of it, only its own way leads to its end.
   * @param hasEnded - Whether the start has: as long as it has not, something may still come, and nothing is said to be gone.
   */
  async remove(product: unknown, hasEnded: boolean): Promise<void> {
    const { registry, entry } = this.#making;
    try {
      const found = await this.#removeMarked(hasEnded);
      if (found === undefined && this.#outcome === undefined) await this.#endElsewhere(product);
      this.#outcome = found?.outcome ?? this.#outcome;
      if (this.#isGone && found === undefined) return;
      const known = found === undefined ? {} : { id: found.id, engine: this.#making.engine.address };
      const outcome = this.#outcome ?? 'never-created';
      registry.update(
        entry.key,
        hasEnded ? { ...known, state: 'gone', outcome } : { ...known, state: 'cleaning' },
      );
      this.#isGone = hasEnded;
    } catch (error) {
      this.leave(error);
      throw error;
    }
  }

  /** Says that it may still be there, and why. */
  leave(cause: unknown): void {
    const { registry, entry } = this.#making;
    this.#isGone = false;
    registry.update(entry.key, { state: 'left', failure: messageOf(cause) });
  }

  async #endElsewhere(product: unknown): Promise<void> {
    const dispose = disposerOf(product);
    if (dispose === undefined) return;
    await dispose();
    this.#outcome = 'removed';
  }

  /** What was found, and how it went. */
  async #removeMarked(hasEnded: boolean): Promise<CleanupResult | undefined> {
    const { engine, entry, timeoutMs } = this.#making;
    const { kind, key, name = '' } = entry;
    const options = { engine: engine.address, timeoutMs, postMortem: true };
    if (kind === 'container') {
      const { results, errors } = await cleanupByLabel(engine, [`${labelNames.start}=${key}`], options);
      for (const { postMortem } of results) this.#keep(postMortem);
      throwAll(errors);
      return results[0];
    }
    if (kind === 'compose-project') {
      if (hasEnded) await this.#narrow(name);
      const result = await cleanupProject(name, { ...options, bounds: this.#bounds });
      for (const { postMortem } of result.parts) this.#keep(postMortem);
      return result.outcome === 'already-gone' ? undefined : result;
    }
    const result = await cleanupOne(kind, name, options);
    return result.outcome === 'already-gone' ? undefined : result;
  }

  /** A later project of that name belongs to someone else: the start's parts are listed once, when no more can appear. */
  async #narrow(project: string): Promise<void> {
    const { engine, narrow, bounds } = this.#making;
    if (bounds === undefined || this.#bounds !== bounds) return;
    this.#bounds = await boundsAfter(engine, project, bounds);
    await narrow(this.#bounds);
  }

  // A container that did not become ready has been looked at before testcontainers' own removal of it: that look is worth more.
  #keep(postMortem: PostMortem | undefined): void {
    const isKnown = this.postMortems.some(({ name }) => name === postMortem?.name);
    if (postMortem !== undefined && !isKnown) this.postMortems.push(postMortem);
  }
}

function throwAll(errors: readonly Error[]): void {
  const [first, ...more] = errors;
  if (first === undefined) return;
  if (more.length === 0) throw first;
  const lines = errors.map((error) => `  ${error.message}`);
  throw new CastoffError('CLEANUP_FAILED', `${errors.length} things are left\n${lines.join('\n')}`, {
    cause: first,
    errors,
  });
}
