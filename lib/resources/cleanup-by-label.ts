import { isWithin, type Bounds } from '../core/bounds';
import { asError, CastoffError, messageOf } from '../core/errors';
import { checkTimeLeft, withTimeout } from '../core/timeout';
import { retryWithBackoff, RetryableError } from '../core/retry';
import { carriesLabels } from '../engine/carries-labels';
import type { Engine } from '../engine/engine';
import { identityOf } from '../engine/identity';
import type { RemovableKind } from '../engine/removable-kind';
import { EngineError } from '../engine/engine-error';
import { cleanupOne, callTimeoutFor, type CleanupOptions, type CleanupResult } from './cleanup-one';
import type { ListedTarget } from '../engine/list-targets';
import { findChanged } from './changed-volumes';
import {
  listOwned,
  removalRefs,
  type ListOwnedOptions,
  type OwnedListing,
  type UnclearTarget,
} from './list-owned';
import { isSameCreation, type RecordedResource } from './ownership';
import type { RemovalRules } from './removal-rules';
import { cleanupMany } from './plan';
import { clearServiceOf, ServiceTurns } from './swarm-service';

export interface LabelCleanupOptions extends CleanupOptions {
  readonly timeoutMs: number;
  /** Whether what carries these labels is left alone. Default: nothing is. */
  readonly isSpared?: ((labels: Readonly<Record<string, string>>) => boolean) | undefined;
  /** The resources whose ids their creators have recorded. */
  readonly recorded?: readonly RecordedResource[] | undefined;
  /** Which of them go. Default: all. */
  readonly bounds?: Bounds | undefined;
  /** Called with what a listing has found, before anything of it is removed; what it throws ends the cleanup. */
  readonly check?: ((found: readonly ListedTarget[]) => void) | undefined;
  /** Default: all. */
  readonly kinds?: readonly RemovableKind[] | undefined;
}

export interface LabelCleanup {
  readonly results: readonly CleanupResult[];
  /** The failure of each thing that is left. */
  readonly errors: readonly Error[];
  /** Resources that carry the labels, and may have them from an image: they are kept. */
  readonly unclear: readonly UnclearTarget[];
}

/**
 * Removes the resources that carry all of `labels`, are within the bounds and are proven to have the labels from their creator, and
 * lists again until nothing new is found: resources may be created during the cleanup. A removal that failed is not tried again within
 * one call. Volumes and images, which are removed by name, are inspected right before: labels and nonce have to be those of the listing.
 */
export async function cleanupByLabel(
  engine: Engine,
  labels: readonly string[],
  options: LabelCleanupOptions,
): Promise<LabelCleanup> {
  const { isSpared = () => false, bounds = {}, kinds, check, recorded, ...settings } = options;
  const endsAt = performance.now() + options.timeoutMs;
  const leftMs = (): number => Math.max(0, endsAt - performance.now());
  const patient = engine.within({ timeoutMs: callTimeoutFor(options.timeoutMs), signal: options.signal });
  const results: CleanupResult[] = [];
  const failed = new Map<string, Error>();
  const changed = new Set<string>();
  const shouldRemove = (target: Pick<ListedTarget, 'kind' | 'id' | 'createdAt' | 'labels'>): boolean =>
    !isSpared(target.labels) && (isWithin(identityOf(target), bounds) || changed.has(identityOf(target)));
  const services = new ServiceTurns();
  for (;;) {
    const wanted = { labels, kinds, recorded };
    const { owned, unclear } = await find(patient, wanted, leftMs(), options.signal, failed);
    check?.(owned);
    for (const identity of await findChanged(patient, owned, bounds)) changed.add(identity);
    const fresh = owned.filter(
      (target) => shouldRemove(target) && !failed.has(keyOf(target)) && !services.isLeft(target.labels),
    );
    if (fresh.length === 0)
      return {
        results,
        errors: [...failed.values()],
        unclear: unclear.filter(({ target }) => shouldRemove(target)),
      };
    // Since the listing, the name may have been given to another resource.
    const matchesTarget = (own: ListedTarget['labels']) => carriesLabels(own, labels) && !isSpared(own);
    const tried = fresh.filter((target) => services.take(target.labels));
    const clean = async (target: ListedTarget): Promise<CleanupResult | undefined> => {
      checkTimeLeft(leftMs(), `remove ${target.kind} ${target.name}`);
      try {
        // A service is in no bounds: its tasks come and go.
        await clearServiceOf(patient, target, (own) => options.bounds === undefined && matchesTarget(own));
        services.settle(target.labels, 'gone');
      } catch (error) {
        services.settle(target.labels, 'left');
        throw error;
      }
      // A volume of the same labels may have come under its name.
      const isSame: RemovalRules['matchesTarget'] = (own, { createdAt }) =>
        matchesTarget(own) &&
        isSameCreation(own, target.labels) &&
        shouldRemove({ ...target, labels: own, createdAt });
      const rules = { ...settings, connection: engine, matchesTarget: isSame };
      let result: CleanupResult | undefined;
      for (const ref of removalRefs(target))
        result = await cleanupOne(target.kind, ref, { ...rules, timeoutMs: leftMs() });
      return result;
    };
    const outcomes = await cleanupMany(tried, clean, { stuckMs: callTimeoutFor(options.timeoutMs) });
    for (const { target, result, error } of outcomes) {
      if (result !== undefined) results.push(result);
      else failed.set(keyOf(target), asError(error ?? `${target.kind} ${target.id} has no name to remove`));
    }
    options.signal?.throwIfAborted();
    // No time to list again: what has failed by then says why.
    if (failed.size > 0 && leftMs() < 10)
      return {
        results,
        errors: [...failed.values()],
        unclear: unclear.filter(({ target }) => shouldRemove(target)),
      };
  }
}

/** The list, asked for again while the engine is away. */
async function find(
  engine: Engine,
  { labels, ...options }: ListOwnedOptions & { readonly labels: readonly string[] },
  timeoutMs: number,
  signal: AbortSignal | undefined,
  failed: ReadonlyMap<string, Error>,
): Promise<OwnedListing> {
  let lastError: unknown;
  const leaving = new AbortController();
  const listing = retryWithBackoff(
    async () => {
      try {
        return await listOwned(engine, labels, options);
      } catch (error) {
        lastError = error;
        const isPassing = error instanceof EngineError && error.meaning !== 'refused';
        throw isPassing ? new RetryableError() : error;
      }
    },
    { firstPauseMs: 50, maxPauseMs: 1_000, signal: leaving.signal },
  );
  try {
    return await withTimeout(listing, { what: `list what carries ${labels.join(', ')}`, timeoutMs, signal });
  } catch (error) {
    if (signal?.aborted && error === signal.reason) throw error;
    const cause = lastError ?? error;
    throw new CastoffError('CLEANUP_FAILED', `list what carries ${labels.join(', ')}: ${messageOf(cause)}`, {
      cause,
      errors: [...failed.values(), asError(cause)],
    });
  } finally {
    leaving.abort();
  }
}

const keyOf = (target: ListedTarget): string => `${target.kind} ${target.id}`;
