import { listContainers } from '../engine/container-calls';
import { valueOf, type Engine } from '../engine/engine';
import { listImages } from '../engine/image-calls';
import { listNetworks } from '../engine/network-calls';
import { listVolumes } from '../engine/volume-calls';
import type { RemovableKind } from './kind';
import type { Target } from './plan';

/** A thing on the engine that carries the labels asked for. */
export interface LabelledTarget extends Target {
  readonly kind: RemovableKind;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * Everything on the engine that carries all of `labels` (each `key` or `key=value`). The labels of each are looked at again
 * here: an engine that ignores a filter must not cost anybody what is theirs.
 *
 * @throws EngineError when one of the lists cannot be had.
 */
export async function findByLabel(
  engine: Engine,
  labels: readonly string[],
): Promise<readonly LabelledTarget[]> {
  const [containers, networks, volumes, images] = await Promise.all([
    listContainers(engine, labels),
    listNetworks(engine, labels),
    listVolumes(engine, labels),
    listImages(engine, labels),
  ]);
  const found: readonly LabelledTarget[] = [
    ...valueOf(containers).map((item) => ({
      kind: 'container' as const,
      id: item.id,
      name: item.name,
      labels: item.labels,
    })),
    ...valueOf(networks).map((item) => ({
      kind: 'network' as const,
      id: item.id,
      name: item.name,
      labels: item.labels,
    })),
    ...valueOf(volumes).map((item) => ({
      kind: 'volume' as const,
      id: item.name,
      name: item.name,
      labels: item.labels,
    })),
    ...valueOf(images).map((item) => ({
      kind: 'image' as const,
      id: item.id,
      name: item.tags[0] ?? '',
      labels: item.labels,
    })),
  ];
  return found.filter((item) => labels.every((label) => carries(item.labels, label)));
}

function carries(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  const at = wanted.indexOf('=');
  if (at === -1) return wanted in labels;
  return labels[wanted.slice(0, at)] === wanted.slice(at + 1);
}
