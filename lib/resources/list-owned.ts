import pLimit from 'p-limit';
import { processWide } from '../core/global-state';
import { labelNames, type Labels } from '../core/labels';
import { valueOf, type Answer, type Engine } from '../engine/engine';
import { inspectImage, readImageHistory, type ImageStep } from '../engine/image-calls';
import { listTargets, type ListedTarget } from '../engine/list-targets';
import type { RemovableKind } from '../core/kinds';
import { judgeOwnership, needsImage, type OwnershipProof, type RecordedResource } from './ownership';

interface OwnedListing {
  /** Provably created by the claim's owner. */
  readonly owned: readonly ProvenTarget[];
  /** Not proven; to be kept and reported. */
  readonly unclear: readonly UnclearTarget[];
}

/** A target that is proven to be owned. `isBase`: a kept image was built on this image. */
export type ProvenTarget = ListedTarget & { readonly isBase?: boolean | undefined };

/** A resource whose ownership is unclear, with the reason. */
export interface UnclearTarget {
  readonly target: ListedTarget;
  readonly reason: string;
}

interface ListOwnedOptions {
  readonly kinds?: readonly RemovableKind[] | undefined;
  /** Resources whose ids their creators recorded. Default: none. */
  readonly recorded?: readonly RecordedResource[] | undefined;
}

/**
 * Lists the resources that carry all of `labels` and provably have them from their creator, not from an
 * image.
 *
 * @throws EngineError when a list cannot be read, or the engine goes away.
 */
export async function listOwned(
  engine: Engine,
  labels: readonly string[],
  { kinds, recorded = [] }: ListOwnedOptions = {},
): Promise<OwnedListing> {
  return sortOwned(engine, await listTargets(engine, labels, kinds), labels, recorded);
}

/**
 * Sorts `listed`, which all carry every one of `labels`, into owned and unclear. Call it with all kinds at
 * once: the proof of an image decides about its containers.
 *
 * @throws EngineError when the engine goes away.
 */
export async function sortOwned(
  engine: Engine,
  listed: readonly ListedTarget[],
  labels: readonly string[],
  recorded: readonly RecordedResource[],
): Promise<OwnedListing> {
  const proofs = await proveOwnership(engine, listed, labels, recorded);
  const owned: ProvenTarget[] = [];
  const unclear: UnclearTarget[] = [];
  for (const [target, proof] of proofs) {
    if (proof.state === 'ours') owned.push({ ...target, isBase: proof.isBase });
    else if (proof.state === 'unclear') unclear.push({ target, reason: proof.reason });
  }
  return { owned, unclear };
}

/**
 * Judges each of `listed`, which all carry `claim`. Inspects their images, at most once per image and
 * process; an image that cannot be read proves nothing.
 *
 * @throws EngineError when the engine goes away.
 */
export async function proveOwnership(
  engine: Engine,
  listed: readonly ListedTarget[],
  claim: readonly string[],
  recorded: readonly RecordedResource[],
): Promise<ReadonlyMap<ListedTarget, OwnershipProof>> {
  const ofContainers = listed.flatMap((target) =>
    needsImage(target) && target.imageId !== undefined ? [target.imageId] : [],
  );
  const built = listed.flatMap(({ kind, id, labels }) =>
    kind === 'image' &&
    (labelNames.nonce in labels || !(labelNames.session in labels)) &&
    !recorded.some((image) => image.kind === 'image' && image.id === id)
      ? [id]
      : [],
  );
  const [imageLabels, histories] = await Promise.all([
    readEach(engine, imageCaches().labels, ofContainers, async (id) => {
      const answer = await inspectImage(engine, id);
      return answer.meaning === 'done' ? { meaning: 'done', value: answer.value.labels } : answer;
    }),
    readEach(engine, imageCaches().histories, built, (id) => readImageHistory(engine, id)),
  ]);
  return judgeOwnership(listed, claim, { imageLabels, histories, recorded });
}

type Cache<T> = Map<string, T>;

/** An image's id is a digest of everything cached here, so entries never change. */
interface ImageCaches {
  readonly labels: Cache<Labels>;
  readonly histories: Cache<readonly ImageStep[]>;
}

const imageCaches = (): ImageCaches =>
  processWide('images', () => ({ labels: new Map(), histories: new Map() }));

const maxCached = 1_000;
const maxConcurrentReads = 8;

async function readEach<T>(
  { address }: Engine,
  cache: Cache<T>,
  ids: readonly string[],
  read: (id: string) => Promise<Answer<T>>,
): Promise<ReadonlyMap<string, T>> {
  const limit = pLimit(maxConcurrentReads);
  const found = new Map<string, T>();
  const reading = [...new Set(ids)].map(async (id) => {
    const key = `${address} ${id}`;
    const known = cache.get(key) ?? (await limit(() => readOne(id, read)));
    if (known === undefined) return;
    found.set(id, known);
    cache.set(key, known);
    const [oldest] = cache.keys();
    if (cache.size > maxCached && oldest !== undefined) cache.delete(oldest);
  });
  await Promise.all(reading);
  return found;
}

async function readOne<T>(id: string, read: (id: string) => Promise<Answer<T>>): Promise<T | undefined> {
  const answer = await read(id);
  return answer.meaning === 'done' || answer.meaning === 'engine-away' ? valueOf(answer) : undefined;
}
