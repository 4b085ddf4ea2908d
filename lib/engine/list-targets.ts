import { carriesLabels } from './carries-labels';
import { listContainers } from './container-calls';
import { valueOf, type Answer, type Engine } from './engine';
import { listImages } from './image-calls';
import { listNetworks } from './network-calls';
import { removableKinds, type RemovableKind } from '../core/kinds';
import type { EngineResource } from './identity';
import { listVolumes } from './volume-calls';

/** A resource in an engine's list. */
export interface ListedTarget extends EngineResource {
  readonly name: string;
  /** All names of an image. */
  readonly tags?: readonly string[] | undefined;
  readonly labels: Readonly<Record<string, string>>;
  /** In milliseconds since the epoch, by the engine's clock, if its list reports it. */
  readonly createdAtMs?: number | undefined;
  /** Of a volume: the creation time in the engine's own format. */
  readonly createdAt?: string | undefined;
  /** Of a container: `running`, `exited`. */
  readonly status?: string | undefined;
  /** The id of a container's image. */
  readonly imageId?: string | undefined;
}

const lists: Readonly<
  Record<
    RemovableKind,
    (engine: Engine, labels: readonly string[]) => Promise<Answer<readonly ListedTarget[]>>
  >
> = { container: listContainers, network: listNetworks, volume: listVolumes, image: listImages };

/**
 * Lists resources of `kinds` that have all of `labels` (`key` or `key=value`), with one request for each
 * kind. The labels are checked again here: an engine that ignores the filter must not lead to the removal of
 * other resources.
 *
 * @throws EngineError when a list request fails.
 */
export async function listTargets(
  engine: Engine,
  labels: readonly string[],
  kinds: readonly RemovableKind[] = removableKinds,
): Promise<readonly ListedTarget[]> {
  const answers = await Promise.all(kinds.map((kind) => lists[kind](engine, labels)));
  return answers
    .flatMap(valueOf)
    .filter((target) => carriesLabels(target.labels, labels))
    .map((target) => (isTime(target.createdAtMs) ? target : { ...target, createdAtMs: undefined }));
}

// Reproducible images have 1970 as their time, or none.
function isTime(ms: number | undefined): boolean {
  return ms !== undefined && ms > 24 * 3_600_000;
}
