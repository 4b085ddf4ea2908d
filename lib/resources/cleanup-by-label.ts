import type { Labels } from '../core/labels';
import { isWithin, type Bounds } from '../core/bounds';
import { asError, CastoffError, messageOf } from '../core/errors';
import { lastAttemptError } from '../core/retry';
import { carriesLabels } from '../engine/carries-labels';
import type { Engine } from '../engine/engine';
import { identityOf } from '../engine/identity';
import type { ListedTarget } from '../engine/list-targets';
import { readWhenBack } from '../engine/read-when-back';
import type { RemovableKind } from '../core/kinds';
import { cleanupAll, type AttemptOptions } from './cleanup-all';
import type { CleanupItem, Listing } from './cleanup-item';
import { callTimeoutFor, type CleanupResult, type CleanupSettings } from './cleanup-one';
import { findChanged } from './changed-volumes';
import { listOwned, type ProvenTarget, type UnclearTarget } from './list-owned';
import type { RecordedResource } from './ownership';
import { removeListed } from './remove-listed';

/** Options of {@link cleanupByLabel}. */
export interface LabelCleanupOptions extends CleanupSettings {
  readonly timeoutMs: number;
  /** Returns whether to keep a resource with these labels. Default: none are kept. */
  readonly isSpared?: ((labels: Labels) => boolean) | undefined;
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
  /** Each resource that was to be removed, or may have inherited the labels. */
  readonly items: readonly CleanupItem<ProvenTarget, CleanupResult>[];
  readonly results: readonly CleanupResult[];
  /** One error for each resource that could not be removed. */
  readonly errors: readonly Error[];
  /** Resources that may have inherited the labels from an image; kept. */
  readonly unclear: readonly UnclearTarget[];
  /** Resources that provably have the labels, as last listed. */
  readonly listed: readonly ListedTarget[];
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
  const { timeoutMs, signal } = settings;
  const what = `list resources with ${labels.join(', ')}`;
  const callTimeoutMs = callTimeoutFor(timeoutMs);
  const boundedEngine = engine.within({ timeoutMs: callTimeoutMs, signal });
  const changed = new Set<string>();
  const carriesOwn = (own: ListedTarget['labels']): boolean => carriesLabels(own, labels) && !isSpared(own);
  const covers = (target: Pick<ListedTarget, 'kind' | 'id' | 'createdAt' | 'labels'>): boolean =>
    carriesOwn(target.labels) && (isWithin(identityOf(target), bounds) || changed.has(identityOf(target)));
  // Bounds never include services, since their tasks come and go.
  const coversService = (own: ListedTarget['labels']): boolean =>
    options.bounds === undefined && carriesOwn(own);
  let isListed = true;
  let listed: readonly ListedTarget[] = [];
  const list = async (limits: AttemptOptions): Promise<Listing<ProvenTarget>> => {
    isListed = false;
    const { owned, unclear } = await readWhenBack(
      () => listOwned(boundedEngine, labels, { kinds, recorded }),
      { what, timeoutMs: limits.timeoutMs, signal },
    );
    isListed = true;
    listed = owned;
    check?.(owned);
    for (const identity of await findChanged(boundedEngine, owned, bounds)) changed.add(identity);
    return { found: owned.filter(covers), unclear: unclear.filter(({ target }) => covers(target)) };
  };
  const { items, errors, cutShort } = await cleanupAll(
    list,
    async (target, { timeoutMs: leftMs }) => {
      const rules = { ...settings, covers, coversService, timeoutMs: leftMs };
      return (await removeListed(boundedEngine, target, rules)).result;
    },
    { timeoutMs, stuckMs: callTimeoutMs, signal },
  );
  signal?.throwIfAborted();
  if (!isListed) {
    const cause = lastAttemptError(cutShort);
    throw new CastoffError('CLEANUP_FAILED', `${what}: ${messageOf(cause)}`, {
      cause,
      errors: [...errors, asError(cause)],
    });
  }
  if (cutShort !== undefined) throw asError(cutShort);
  return {
    items,
    listed,
    results: items.flatMap(({ result }) => result ?? []),
    errors: errors.map(asError),
    unclear: items.flatMap(({ target, progress, reason }) =>
      progress === 'unclear' ? [{ target, reason }] : [],
    ),
  };
}
