import { carriesLabels } from './carries-labels';
import { listContainers } from './container-calls';
import { valueOf, mapAnswer, type Answer, type Engine } from './engine';
import { listImages } from './image-calls';
import { listNetworks } from './network-calls';
import type { RemovableKind } from './removable-kind';
import { listVolumes } from './volume-calls';

/** A thing on an engine, as its list shows it. */
export interface ListedTarget {
  readonly kind: RemovableKind;
  /** The full id; a volume's name. */
  readonly id: string;
  readonly name: string;
  /** All names of an image. */
  readonly tags?: readonly string[] | undefined;
  readonly labels: Readonly<Record<string, string>>;
  /** By the engine's clock, in milliseconds since the epoch, where its list tells. */
  readonly createdAtMs?: number | undefined;
  /** A volume's: the same in the engine's own words. */
  readonly createdAt?: string | undefined;
  /** A container's: `running`, `exited`. */
  readonly status?: string | undefined;
  /** The id of a container's image. */
  readonly imageId?: string | undefined;
}

type List = (engine: Engine, labels: readonly string[]) => Promise<Answer<readonly Listed[]>>;
type Listed = Omit<ListedTarget, 'kind'>;

const lists: Readonly<Record<RemovableKind, List>> = {
  container: listContainers,
  network: listNetworks,
  volume: async (engine, labels) =>
    mapAnswer(await listVolumes(engine, labels), (volumes) =>
      volumes.map(({ name, labels: own, createdAt }) => ({
        id: name,
        name,
        labels: own,
        createdAt,
        createdAtMs: createdAt === undefined ? undefined : Date.parse(createdAt),
      })),
    ),
  image: async (engine, labels) =>
    mapAnswer(await listImages(engine, labels), (images) =>
      images.map(({ id, tags, labels: own, createdAtMs }) => ({
        id,
        name: tags[0] ?? '',
        tags,
        labels: own,
        createdAtMs,
      })),
    ),
};

const allKinds: readonly RemovableKind[] = ['container', 'network', 'volume', 'image'];

/**
 * All things of `kinds` that carry every one of `labels` (`key` or `key=value`), by one list of each kind. The labels of each
 * are looked at again here: an engine that ignores a filter must not cost anybody what is theirs.
 *
 * @throws EngineError when one of the lists cannot be had.
 */
export async function listTargets(
  engine: Engine,
  labels: readonly string[],
  kinds: readonly RemovableKind[] = allKinds,
): Promise<readonly ListedTarget[]> {
  const answers = await Promise.all(
    kinds.map(async (kind) =>
      mapAnswer(await lists[kind](engine, labels), (listed) =>
        listed.map(({ id, name, tags, labels: own, createdAt, createdAtMs, status, imageId }) => ({
          kind,
          id,
          name,
          tags,
          labels: own,
          createdAt,
          createdAtMs: isTime(createdAtMs) ? createdAtMs : undefined,
          status,
          imageId,
        })),
      ),
    ),
  );
  return answers.flatMap(valueOf).filter((target) => carriesLabels(target.labels, labels));
}

// An image that is built to be the same every time says 1970, or nothing.
function isTime(ms: number | undefined): boolean {
  return ms !== undefined && ms > 24 * 3_600_000;
}
