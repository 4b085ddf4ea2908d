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

/** Options of {@link cleanupByLabel}. */
export interface LabelCleanupOptions extends CleanupOptions {
  readonly timeoutMs: number;
  /** Returns whether to keep a resource with these labels. Default: none are kept. */
  readonly isSpared?: ((labels: Readonly<Record<string, string>>) => boolean) | undefined;
  /** Resources whose ids their creators recorded. Default: none. */
  readonly recorded?: readonly RecordedResource[] | undefined;
  /** Limits the cleanup to these resources. Default: all. */
  readonly bounds?: Bounds | undefined;
  /** Called with each listing before anything is removed; an error it throws ends the cleanup. */
  readonly check?: ((found: readonly ListedTarget[]) => void) | undefined;
  /** Default: all kinds. */
  readonly kinds?: readonly RemovableKind[] | undefined;
}

/** Result of {@link cleanupByLabel}. */
export interface LabelCleanup {
  readonly results: readonly CleanupResult[];
  /** One error for each resource that could not be removed. */
  readonly errors: readonly Error[];
  /** Resources that may have inherited the labels from an image; kept. */
  readonly unclear: readonly UnclearTarget[];
}

/**
 * Removes the resources that carry all of `labels`, are within the bounds and provably have the labels from
 * their creator. Lists again until nothing new is found, since resources may be created during the cleanup.
 *
 * A failed removal is not retried within one call. Volumes and images are removed by name, so each is
 * inspected right before its removal: its labels and nonce must be those of the listing.
 *
 * @param options.timeoutMs - Time limit for the whole cleanup.
 * @throws CastoffError `CLEANUP_FAILED` when the resources cannot be listed in time.
 */
export async function cleanupByLabel(
  engine: Engine,
  labels: readonly string[],
  options: LabelCleanupOptions,
): Promise<LabelCleanup> {
  const { isSpared = () => false, bounds = {}, kinds, check, recorded, ...settings } = options;
  const endsAt = performance.now() + options.timeoutMs;
  const leftMs = (): number => Math.max(0, endsAt - performance.now());
  const boundedEngine = engine.within({
    timeoutMs: callTimeoutFor(options.timeoutMs),
    signal: options.signal,
  });
  const results: CleanupResult[] = [];
  const failed = new Map<string, Error>();
  const changed = new Set<string>();
  const shouldRemove = (target: Pick<ListedTarget, 'kind' | 'id' | 'createdAt' | 'labels'>): boolean =>
    !isSpared(target.labels) && (isWithin(identityOf(target), bounds) || changed.has(identityOf(target)));
  const services = new ServiceTurns();
  for (;;) {
    const query = { labels, kinds, recorded };
    const { owned, unclear } = await list(boundedEngine, query, leftMs(), options.signal, failed);
    check?.(owned);
    for (const identity of await findChanged(boundedEngine, owned, bounds)) changed.add(identity);
    const fresh = owned.filter(
      (target) => shouldRemove(target) && !failed.has(keyOf(target)) && !services.isLeft(target.labels),
    );
    if (fresh.length === 0)
      return {
        results,
        errors: [...failed.values()],
        unclear: unclear.filter(({ target }) => shouldRemove(target)),
      };
    // The name may have been reused since the listing.
    const matchesTarget = (own: ListedTarget['labels']) => carriesLabels(own, labels) && !isSpared(own);
    const batch = fresh.filter((target) => services.take(target.labels));
    const clean = async (target: ListedTarget): Promise<CleanupResult | undefined> => {
      checkTimeLeft(leftMs(), `remove ${target.kind} ${target.name}`);
      try {
        // Bounds never include services, since their tasks come and go.
        await clearServiceOf(
          boundedEngine,
          target,
          (own) => options.bounds === undefined && matchesTarget(own),
        );
        services.settle(target.labels, 'gone');
      } catch (error) {
        services.settle(target.labels, 'left');
        throw error;
      }
      // A new volume with the same labels may have taken the name.
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
    const outcomes = await cleanupMany(batch, clean, { stuckMs: callTimeoutFor(options.timeoutMs) });
    for (const { target, result, error } of outcomes) {
      if (result !== undefined) results.push(result);
      else
        failed.set(
          keyOf(target),
          asError(error ?? `${target.kind} ${target.id} has no reference to remove it by`),
        );
    }
    options.signal?.throwIfAborted();
    // There is no time to list again; the recorded errors explain what is left.
    if (failed.size > 0 && leftMs() < 10)
      return {
        results,
        errors: [...failed.values()],
        unclear: unclear.filter(({ target }) => shouldRemove(target)),
      };
  }
}

/** Lists the owned resources, and retries while the engine is away. */
async function list(
  engine: Engine,
  { labels, ...options }: ListOwnedOptions & { readonly labels: readonly string[] },
  timeoutMs: number,
  signal: AbortSignal | undefined,
  failed: ReadonlyMap<string, Error>,
): Promise<OwnedListing> {
  let lastError: unknown;
  const stopRetrying = new AbortController();
  const listing = retryWithBackoff(
    async () => {
      try {
        return await listOwned(engine, labels, options);
      } catch (error) {
        lastError = error;
        const isTemporary = error instanceof EngineError && error.meaning !== 'refused';
        throw isTemporary ? new RetryableError() : error;
      }
    },
    { firstPauseMs: 50, maxPauseMs: 1_000, signal: stopRetrying.signal },
  );
  try {
    return await withTimeout(listing, {
      what: `list resources with ${labels.join(', ')}`,
      timeoutMs,
      signal,
    });
  } catch (error) {
    if (signal?.aborted && error === signal.reason) throw error;
    const cause = lastError ?? error;
    throw new CastoffError(
      'CLEANUP_FAILED',
      `list resources with ${labels.join(', ')}: ${messageOf(cause)}`,
      {
        cause,
        errors: [...failed.values(), asError(cause)],
      },
    );
  } finally {
    stopRetrying.abort();
  }
}

const keyOf = (target: ListedTarget): string => `${target.kind} ${target.id}`;
