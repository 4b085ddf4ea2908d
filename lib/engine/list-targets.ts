import { carriesLabels } from './carries-labels';
import { listContainers } from './container-calls';
import { valueOf, mapAnswer, type Answer, type Engine } from './engine';
import type { EngineKind } from './engine-event';
import { listImages } from './image-calls';
import { listNetworks } from './network-calls';
import { listVolumes } from './volume-calls';

/** A thing on an engine, as its list shows it. */
export interface ListedTarget {
  readonly kind: EngineKind;
  /** The full id; a volume's name. */
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

type List = (engine: Engine, labels: readonly string[]) => Promise<Answer<readonly Listed[]>>;
type Listed = Omit<ListedTarget, 'kind'>;

const lists: Readonly<Record<EngineKind, List>> = {
  container: listContainers,
  network: listNetworks,
  volume: async (engine, labels) =>
    mapAnswer(await listVolumes(engine, labels), (volumes) =>
      volumes.map(({ name, labels: own }) => ({ id: name, name, labels: own })),
    ),
  image: async (engine, labels) =>
    mapAnswer(await listImages(engine, labels), (images) =>
      images.map(({ id, tags, labels: own }) => ({ id, name: tags[0] ?? '', labels: own })),
    ),
};

const allKinds: readonly EngineKind[] = ['container', 'network', 'volume', 'image'];

/**
 * All things of `kinds` that carry every one of `labels` (`key` or `key=value`), by one list of each kind. The labels of each
 * are looked at again here: an engine that ignores a filter must not cost anybody what is theirs.
 *
 * @throws EngineError when one of the lists cannot be had.
 */
export async function listTargets(
  engine: Engine,
  labels: readonly string[],
  kinds: readonly EngineKind[] = allKinds,
): Promise<readonly ListedTarget[]> {
  const answers = await Promise.all(
    kinds.map(async (kind) =>
      mapAnswer(await lists[kind](engine, labels), (listed) =>
        listed.map(({ id, name, labels: own }) => ({ kind, id, name, labels: own })),
      ),
    ),
  );
  return answers.flatMap(valueOf).filter((target) => carriesLabels(target.labels, labels));
}
