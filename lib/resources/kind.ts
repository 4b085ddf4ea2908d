import type { ContainerStop } from '../engine/container-calls';
import type { Answer, Engine } from '../engine/engine';
import type { RemovableKind } from '../engine/removable-kind';

/** Everything that castoff cleans up: a Compose project is all that carries its label. */
export type ResourceKind = RemovableKind | 'compose-project';

/** What a look at a thing tells. */
export interface Inspection {
  /** What the engine calls it for good: the full id, or the name where a name is all there is. */
  readonly id: string;
  readonly name?: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly status?: string | undefined;
  /** Differs when another thing has come under the same name. */
  readonly identity: string;
  /** The engine has gone by the first digits of its id, or by a part of its name: it may be somebody else's. */
  readonly isPartialMatch?: boolean | undefined;
  /** When it was created, where that is known: RFC 3339. */
  readonly createdAt?: string | undefined;
}

/** `unclear`: it may be another one that has come under its name. */
export type Sameness = 'same' | 'another' | 'unclear';

export interface RemoveOptions {
  readonly removeVolumes: boolean;
}

/** How one kind of thing is looked at and removed. */
export interface Removable {
  readonly kind: RemovableKind;
  /** Whether `id` names one thing for ever. A name may come to stand for something else, which is not to be removed. */
  readonly isImmutableId: (id: string) => boolean;
  readonly inspect: (engine: Engine, id: string) => Promise<Answer<Inspection>>;
  readonly remove: (engine: Engine, id: string, options: RemoveOptions) => Promise<Answer<unknown>>;
  /** Asks for a graceful end. */
  readonly stop?: (engine: Engine, id: string, how: ContainerStop) => Promise<Answer<unknown>>;
  /** Waits for the end of a removal that is under way, as long as the engine's patience lasts. */
  readonly waitForRemoval?: (engine: Engine, id: string) => Promise<Answer<unknown>>;
  /**
   * Whether two sights under one name are of one resource. Default: by their identities.
   *
   * @throws EngineError when the engine does not answer.
   */
  readonly compare?: (engine: Engine, name: string, before: string, now: string) => Promise<Sameness>;
  /** Takes off what hangs on it; resolves when that has been tried. */
  readonly detach?: (engine: Engine, id: string) => Promise<void>;
  /** What a person can do about one that cannot be removed. */
  readonly advice: string;
}

/**
 * Whether an engine that was asked for `given`, and found `id`, went by the first digits alone: a name that is gone, `db` or
 * `cafe`, may be how somebody else's id begins. Twelve digits are a short id, as `docker ps` prints it.
 */
export function isPrefixMatch(given: string, id: string, names: readonly string[]): boolean {
  return /^[0-9a-f]{1,11}$/.test(given) && id.startsWith(given) && !names.includes(given);
}

/** The id of a thing that the engine knows by 64 hexadecimal digits. */
export function isFullId(id: string): boolean {
  return /^[0-9a-f]{64}$/.test(id);
}

/** Whether what is called `name` now is what had the identity `before`. */
export async function compareIdentities(
  { compare }: Pick<Removable, 'compare'>,
  engine: Engine,
  name: string,
  { before, now }: { readonly before: string; readonly now: string },
): Promise<Sameness> {
  if (before === now) return 'same';
  return compare === undefined ? 'another' : compare(engine, name, before, now);
}
