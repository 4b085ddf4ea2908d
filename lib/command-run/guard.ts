import { isReaper, labelNames, type Labels } from '../core/labels';
import { timeouts } from '../core/timeouts';
import { valueOf, type Engine } from '../engine/engine';
import { inspectImage } from '../engine/image-calls';
import type { RemovalMeaning, RemovalRequest } from '../relay/removal-request';
import { removables } from '../resources/removables';
import type { BuiltImages } from './built-images';

/** The options of a {@link Guard}. */
export interface GuardOptions {
  readonly connecting: Promise<Engine>;
  readonly session: string;
  /** The castoff sessions of the command's own processes. */
  readonly innerSessions: ReadonlySet<string>;
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
    const kind = meaning.type === 'remove' ? meaning.kind : 'container';
    const { ref } = meaning;
    const isOwn = kind === 'image' ? await this.#isOwnImage(ref) : await this.#isOwn(kind, ref);
    return isOwn ? undefined : refusalOf(meaning.type, `${kind} ${ref}`);
  };

  async #isOwn(kind: 'container' | 'network' | 'volume', ref: string): Promise<boolean> {
    const { connecting, session, innerSessions } = this.#options;
    const engine = (await connecting).within({ timeoutMs: timeouts.requestMs });
    const inspected = await removables[kind].inspect(engine, ref);
    if (inspected.meaning === 'gone') return true;
    return isLabelledBy(valueOf(inspected).labels, session, innerSessions);
  }

  /** A built image carries no label of the session. */
  async #isOwnImage(ref: string): Promise<boolean> {
    const { connecting, session, innerSessions, images } = this.#options;
    const engine = (await connecting).within({ timeoutMs: timeouts.requestMs });
    const inspected = await inspectImage(engine, ref);
    if (inspected.meaning === 'gone') return true;
    const image = valueOf(inspected);
    return isLabelledBy(image.labels, session, innerSessions) || images.hasBrought(ref, image);
  }
}

/** Reapers belong to the Testcontainers of the command. */
function isLabelledBy(labels: Labels, session: string, inner: ReadonlySet<string>): boolean {
  const owner = labels[labelNames.session];
  return isReaper(labels) || owner === session || (owner !== undefined && inner.has(owner));
}

function refusalOf(verb: RemovalMeaning['type'], what: string): string {
  return `castoff run --guard refuses to ${verb} ${what}: the command did not create it`;
}
