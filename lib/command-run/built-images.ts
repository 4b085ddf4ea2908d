import { fullImageName } from '../core/image-name';
import { valueOf, type Engine } from '../engine/engine';
import { listImages, type StoredImage } from '../engine/image-calls';
import { listKind } from '../engine/list-targets';
import type { ResultListener } from '../relay/exchange';
import { dockerRouteOf } from '../relay/libpod';
import { newlyNamed, pulledName, requestedNames, type NewImage } from './new-images';

/** Which of the new images were removed. */
export interface ImagesEnd {
  readonly images: readonly NewImage[];
  readonly removed: readonly NewImage[];
}

/**
 * The images that a command builds, loads, imports or tags. BuildKit's cannot be labelled: they are found by
 * comparing the engine's names before the first such request and after the command.
 */
export class BuiltImages {
  readonly #connecting: Promise<Engine>;
  /** How each name came about that the command brought last: other clients name images at the same time. */
  readonly #brought = new Map<string, 'given' | 'pulled'>();
  #hasUnseenNames = false;
  #before: Promise<readonly StoredImage[]> | undefined;

  constructor(connecting: Promise<Engine>) {
    this.#connecting = connecting;
  }

  /**
   * Takes note of a request of the command, before it is forwarded. Resolves when the names that existed before the
   * first image are known, to a listener for its result: a name counts once the engine has given it. Never rejects:
   * {@link finish} does.
   */
  async note(method: string, path: string): Promise<ResultListener | undefined> {
    const pulled = method === 'POST' ? pulledName(path) : undefined;
    if (method !== 'POST' || (pulled === undefined && !makesImages(path))) return undefined;
    this.#hasUnseenNames ||= namesUnseen(path);
    await Promise.allSettled([(this.#before ??= this.#list())]);
    const names = pulled === undefined ? requestedNames(path) : [pulled];
    const origin = pulled === undefined ? 'given' : 'pulled';
    if (names.length === 0) return undefined;
    return (isDone) => {
      if (isDone) for (const name of names) this.#brought.set(name, origin);
    };
  }

  /**
   * Whether the command has brought the image that the engine knows by `ref`: it has given or pulled the name, which
   * did not exist before; for an id, all names.
   *
   * @throws EngineError when the engine could not list its images.
   */
  async hasBrought(ref: string, { id, tags }: Pick<StoredImage, 'id' | 'tags'>): Promise<boolean> {
    if (this.#before === undefined) return false;
    const [image] = newlyNamed(await this.#before, [{ id, tags, bytes: 0 }], new Set());
    if (image === undefined) return false;
    const isOwn = (name: string): boolean => this.#brought.has(name);
    const newNames = image.newTags.map(fullImageName);
    return (
      (image.oldTags.length === 0 && newNames.every(isOwn)) ||
      (newNames.includes(fullImageName(ref)) && isOwn(fullImageName(ref)))
    );
  }

  /**
   * Finds the images that the command has given a new name, and removes them if asked to, unless they existed before,
   * have another name, or a container uses them. With names that no request shows, new images are listed, and kept.
   *
   * @throws EngineError when the engine cannot list images; CleanupError when one cannot be removed.
   */
  async finish(isRemoving: boolean): Promise<ImagesEnd> {
    if (this.#before === undefined) return { images: [], removed: [] };
    const engine = await this.#connecting;
    const [before, after] = [await this.#before, await this.#list()];
    const images = newlyNamed(before, after, this.#pulled()).flatMap((image) => this.#ofCommand(image));
    if (!isRemoving || images.length === 0) return { images, removed: [] };
    const containers = valueOf(await listKind(engine, 'container', []));
    const used = new Set(containers.map(({ imageId }) => imageId));
    const existed = new Set(before.map(({ id }) => id));
    const isOwn = ({ id, newTags, oldTags }: NewImage): boolean =>
      !existed.has(id) && oldTags.length === 0 && newTags.every((tag) => this.#isGiven(tag));
    const unused = images.filter((image) => isOwn(image) && !used.has(image.id));
    const { cleanupOne } = await import('../resources/cleanup-one.ts');
    for (const { id, newTags } of unused)
      for (const tag of newTags) await cleanupOne(engine, 'image', tag, { identity: id });
    return { images, removed: unused };
  }

  #ofCommand(image: NewImage): readonly NewImage[] {
    if (this.#hasUnseenNames) return [image];
    const newTags = image.newTags.filter((tag) => this.#isGiven(tag));
    const others = image.newTags.filter((tag) => !this.#isGiven(tag));
    return newTags.length === 0 ? [] : [{ ...image, newTags, oldTags: [...image.oldTags, ...others] }];
  }

  #isGiven(tag: string): boolean {
    return this.#brought.get(fullImageName(tag)) === 'given';
  }

  #pulled(): ReadonlySet<string> {
    return new Set([...this.#brought].flatMap(([name, origin]) => (origin === 'pulled' ? [name] : [])));
  }

  async #list(): Promise<readonly StoredImage[]> {
    return valueOf(await listImages(await this.#connecting));
  }
}

/** Buildx names images within a session of BuildKit, and `docker load` in the archive. */
function namesUnseen(path: string): boolean {
  return /^(grpc|(local\/)?images\/load)$/.test(dockerRouteOf(path));
}

/** @see Engine API, ImageBuild, Session, ImageLoad, ImageCreate, ImageTag, ImageCommit; Podman's, ImageImportLibpod */
function makesImages(path: string): boolean {
  const named = /^((local\/)?build|session|commit|images\/(create|import|.+\/tag))$/;
  return namesUnseen(path) || named.test(dockerRouteOf(path));
}
