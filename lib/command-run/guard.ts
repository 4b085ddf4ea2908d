import { isReaper, labelNames, type Labels } from '../core/labels';
import { timeouts } from '../core/timeouts';
import { valueOf, type Engine } from '../engine/engine';
import { inspectImage } from '../engine/image-calls';
import type { RemovalRequest } from '../relay/removal-request';
import { removables } from '../resources/removables';
import type { BuiltImages } from './built-images';

/** The options of a {@link Guard}. */
export interface GuardOptions {
  readonly connecting: Promise<Engine>;
  readonly session: string;
  /** The castoff sessions of the command's own processes. */
  readonly innerSessions: ReadonlySet<string>;
  /** The names of the reapers that the command's Testcontainers have started. */
  readonly reapers: ReadonlySet<string>;
  readonly images: Pick<BuiltImages, 'hasBrought'>;
}

/** Refuses requests of the command that would stop, kill or remove what it did not create. */
export class Guard {
  readonly #options: GuardOptions;

  constructor(options: GuardOptions) {
    this.#options = options;
  }

  /**
   * Resolves to the reason why a request is refused; to `undefined` for what the command created, for what does not
   * exist, and for a prune, which the relay narrows.
   *
   * @throws EngineError when the engine cannot inspect the resource.
   */
  readonly refusal = async ({ meaning }: RemovalRequest): Promise<string | undefined> => {
    if (meaning.type === 'prune')
      return meaning.kind === undefined ? refusalOf('prune', 'the build cache') : undefined;
    if (meaning.type === 'remove-images')
      return meaning.isAll ? refusalOf('remove', 'all images') : this.#refuseImages(meaning.refs);
    const { ref } = meaning;
    const kind = meaning.type === 'remove' ? meaning.kind : 'container';
    if (kind === 'image') return this.#refuseImages([ref]);
    return (await this.#isOwn(kind, ref)) ? undefined : refusalOf(meaning.type, `${kind} ${ref}`);
  };

  /** Resolves to the reason for the first image that is not the command's. */
  async #refuseImages(refs: readonly string[]): Promise<string | undefined> {
    for (const ref of refs)
      if (!(await this.#isOwnImage(ref)))
        return refusalOf('remove', `image ${ref}`, 'no request of the command has named it');
    return undefined;
  }

  async #isOwn(kind: 'container' | 'network' | 'volume', ref: string): Promise<boolean> {
    const { connecting, reapers } = this.#options;
    const engine = (await connecting).within({ timeoutMs: timeouts.requestMs });
    const inspected = await removables[kind].inspect(engine, ref);
    if (inspected.meaning === 'gone') return true;
    const { labels, name = '' } = valueOf(inspected);
    return isReaper(labels) ? reapers.has(name) : this.#isLabelled(labels);
  }

  /** A built image carries no label of the session. */
  async #isOwnImage(ref: string): Promise<boolean> {
    const { connecting, images } = this.#options;
    const engine = (await connecting).within({ timeoutMs: timeouts.requestMs });
    const inspected = await inspectImage(engine, ref);
    if (inspected.meaning === 'gone') return true;
    const image = valueOf(inspected);
    return this.#isLabelled(image.labels) || images.hasBrought(ref, image);
  }

  #isLabelled(labels: Labels): boolean {
    const { session, innerSessions } = this.#options;
    const owner = labels[labelNames.session];
    return owner !== undefined && (owner === session || innerSessions.has(owner));
  }
}

function refusalOf(
  verb: 'stop' | 'kill' | 'remove' | 'prune',
  what: string,
  reason = 'the command did not create it',
): string {
  return `castoff run --guard refuses to ${verb} ${what}: ${reason}`;
}
