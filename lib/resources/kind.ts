import type { ContainerStop } from '../engine/container-calls';
import type { Answer, Engine } from '../engine/engine';
import type { ListedTarget } from '../engine/list-targets';
import type { ResourceKind, RemovableKind } from '../core/kinds';
import { unclearError } from './cleanup-error';

/** A resource to remove. */
export interface Target {
  readonly kind: ResourceKind;
  /** Its id, or the name of a volume, image or Compose project. */
  readonly id: string;
}

/** What an engine reports about one resource. */
export interface Inspection extends Pick<ListedTarget, 'id' | 'labels' | 'status'> {
  readonly name?: string | undefined;
  /** Distinguishes resources that used the same name at different times. */
  readonly identity: string;
  /** Whether the engine matched only a prefix of the id or a part of the name: it may be another resource. */
  readonly isPartialMatch?: boolean | undefined;
  /** Of a running container: the pid of its main process on the engine's host. */
  readonly pid?: number | undefined;
  /** Creation time in RFC 3339, where the engine reports it. */
  readonly createdAt?: string | undefined;
}

/** Whether two inspections under one name are of one resource; `unclear`: the engine cannot determine it. */
export type Sameness = 'same' | 'another' | 'unclear';

interface RemoveOptions {
  readonly removeVolumes: boolean;
}

/** How to inspect and remove resources of one kind. */
export interface Removable {
  readonly kind: RemovableKind;
  /** Whether `id` can only ever refer to one resource. A name can be reused for another one. */
  readonly isImmutableId: (id: string) => boolean;
  readonly inspect: (engine: Engine, id: string) => Promise<Answer<Inspection>>;
  readonly remove: (engine: Engine, id: string, options: RemoveOptions) => Promise<Answer<unknown>>;
  /** Stops it gracefully. */
  readonly stop?: (engine: Engine, id: string, how: ContainerStop) => Promise<Answer<unknown>>;
  /** Waits until a removal in progress finishes, up to the engine's call timeout. */
  readonly waitForRemoval?: (engine: Engine, id: string) => Promise<Answer<unknown>>;
  /**
   * Compares two identities under one name. Default: same when the identities are equal.
   *
   * @throws EngineError when the engine does not answer.
   */
  readonly compare?: (engine: Engine, name: string, before: string, now: string) => Promise<Sameness>;
  /** Disconnects attached resources; resolves after one attempt for each. */
  readonly detach?: (engine: Engine, id: string) => Promise<void>;
  /** Advice for an error about one that cannot be removed. */
  readonly advice: string;
}

/**
 * Whether an engine that was asked for `given` and found `id` matched only the first digits: a removed `db`
 * or `cafe` may be a prefix of another resource's id. Twelve digits are a short id, as in `docker ps`.
 */
export function isPrefixMatch(given: string, id: string, names: readonly string[]): boolean {
  return /^[0-9a-f]{1,11}$/.test(given) && id.startsWith(given) && !names.includes(given);
}

/** Whether `id` is a full id: 64 hexadecimal digits. */
export function isFullId(id: string): boolean {
  return /^[0-9a-f]{64}$/.test(id);
}

/**
 * Whether an earlier identity of `name` and its current one are of one resource.
 *
 * @throws CastoffError `CLEANUP_FAILED` when that cannot be determined; EngineError when the engine does not
 * answer.
 */
export async function isSameResource(
  { kind, compare }: Pick<Removable, 'kind' | 'compare'>,
  engine: Engine,
  name: string,
  { before, now }: { readonly before: string; readonly now: string },
): Promise<boolean> {
  if (before === now) return true;
  const sameness = await compare?.(engine, name, before, now);
  if (sameness === 'unclear') throw unclearError(kind, name);
  return sameness === 'same';
}
