import { isWithin, type Bounds } from '../core/bounds';
import { asError, CastoffError, messageOf } from '../core/errors';
import { waitAtMost } from '../core/patience';
import { retryWithBackoff, TryAgain } from '../core/retry';
import { carriesLabels } from '../engine/carries-labels';
import type { Engine } from '../engine/engine';
import { identityOf } from '../engine/identity';
import type { RemovableKind } from '../engine/removable-kind';
import { EngineError } from '../engine/engine-error';
import { cleanupOne, patienceFor, type CleanupOptions, type CleanupResult } from './cleanup-one';
import { listTargets, type ListedTarget } from '../engine/list-targets';
import { cleanupMany } from './plan';
import { clearServiceOf, ServiceTurns } from './swarm-service';

export interface LabelCleanupOptions extends CleanupOptions {
  readonly timeoutMs: number;
  /** Whether what carries these labels is left alone. Default: nothing is. */
  readonly isSpared?: ((labels: Readonly<Record<string, string>>) => boolean) | undefined;
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
}

/**
 * Removes everything that carries all of `labels` and is within the bounds, and lists again until nothing new is found: things may be created while
 * others go. What failed once is not tried again within one call. What has a name only has its labels looked
 * at again right before its removal.
 */
export async function cleanupByLabel(
  engine: Engine,
  labels: readonly string[],
  options: LabelCleanupOptions,
): Promise<LabelCleanup> {
  const { isSpared = () => false, bounds = {}, kinds, check, ...settings } = options;
  const endsAt = performance.now() + options.timeoutMs;
  const leftMs = (): number => Math.max(0, endsAt - performance.now());
  const patient = engine.within({ timeoutMs: patienceFor(options.timeoutMs), signal: options.signal });
  const results: CleanupResult[] = [];
  const failed = new Map<string, Error>();
  const isToGo = (target: Pick<ListedTarget, 'kind' | 'id' | 'createdAt' | 'labels'>): boolean =>
    !isSpared(target.labels) && isWithin(identityOf(target), bounds);
  const services = new ServiceTurns();
  for (;;) {
    const found = await find(patient, { labels, kinds }, leftMs(), options.signal, failed);
    check?.(found);
    const fresh = found.filter(
      (target) => isToGo(target) && !failed.has(keyOf(target)) && !services.isLeft(target.labels),
    );
    if (fresh.length === 0) return { results, errors: [...failed.values()] };
    // A name may have come to stand for another thing since it was listed.
    const isMeant = (own: ListedTarget['labels']) => carriesLabels(own, labels) && !isSpared(own);
    const tried = fresh.filter((target) => services.take(target.labels));
    const ends = await cleanupMany(tried, async (target) => {
      try {
        // A service is in no bounds: its tasks come and go.
        await clearServiceOf(patient, target, (own) => options.bounds === undefined && isMeant(own));
        services.settle(target.labels, 'gone');
      } catch (error) {
        services.settle(target.labels, 'left');
        throw error;
      }
      return cleanupOne(target.kind, target.id, {
        ...settings,
        connection: engine,
        timeoutMs: leftMs(),
        // A volume of the same labels may have come under its name.
        isMeant: (own, { createdAt }) => isMeant(own) && isToGo({ ...target, labels: own, createdAt }),
      });
    });
    for (const { target, result, error } of ends) {
      if (result === undefined) failed.set(keyOf(target), asError(error));
      else results.push(result);
    }
    options.signal?.throwIfAborted();
    // No time to list again: what has failed by then says why.
    if (failed.size > 0 && leftMs() < 10) return { results, errors: [...failed.values()] };
  }
}

/** The list, asked for again while the engine is away. */
async function find(
  engine: Engine,
  { labels, kinds }: { readonly labels: readonly string[]; readonly kinds: LabelCleanupOptions['kinds'] },
  timeoutMs: number,
  signal: AbortSignal | undefined,
  failed: ReadonlyMap<string, Error>,
): Promise<readonly ListedTarget[]> {
  let lastError: unknown;
  const leaving = new AbortController();
  const listing = retryWithBackoff(
    async () => {
      try {
        return await listTargets(engine, labels, kinds);
      } catch (error) {
        lastError = error;
        const isPassing = error instanceof EngineError && error.meaning !== 'refused';
        throw isPassing ? new TryAgain() : error;
      }
    },
    { firstPauseMs: 50, longestPauseMs: 1_000, signal: leaving.signal },
  );
  try {
    return await waitAtMost(listing, { what: `list what carries ${labels.join(', ')}`, timeoutMs, signal });
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
