import { fullImageName } from '../core/image-name';
import { queryOf } from '../capture/request-labels';
import type { StoredImage } from '../engine/image-calls';
import { dockerRouteOf } from '../relay/libpod';

/** An image that got a name while the command ran. */
export interface NewImage {
  readonly id: string;
  readonly newTags: readonly string[];
  /** Its names from before. */
  readonly oldTags: readonly string[];
  readonly bytes: number;
}

/**
 * Returns the images that have a name now which did not exist, or named another image, before. Names that the
 * command pulled are those of a registry.
 */
export function newlyNamed(
  before: readonly StoredImage[],
  after: readonly StoredImage[],
  pulled: ReadonlySet<string>,
): readonly NewImage[] {
  const known = new Map(before.flatMap(({ id, tags }) => tags.map((tag) => [tag, id])));
  return after.flatMap(({ id, tags, bytes }) => {
    const isNew = (tag: string): boolean => known.get(tag) !== id && !pulled.has(fullImageName(tag));
    const newTags = tags.filter(isNew);
    return newTags.length === 0 ? [] : [{ id, bytes, newTags, oldTags: tags.filter((tag) => !isNew(tag)) }];
  });
}

/**
 * Returns the name of the image that a request pulls.
 *
 * @see Engine API, ImageCreate: `fromImage`, `tag`; Podman's, ImagePullLibpod: `reference`
 */
export function pulledName(path: string): string | undefined {
  const route = dockerRouteOf(path);
  if (route !== 'images/create' && route !== 'images/pull') return undefined;
  const query = queryOf(path);
  const reference = query.get('reference')?.replace(/^docker:\/\//, '');
  const [image, tag] = [query.get('fromImage') ?? reference, query.get('tag')];
  if (!image) return undefined;
  return fullImageName(tag && !tag.startsWith('sha256:') ? `${image}:${tag}` : image);
}

/**
 * Returns the names that a request gives to an image. Those of `docker load` and of Buildx are not in a request.
 *
 * @see Engine API, ImageBuild: `t`; ImageCommit, ImageCreate, ImageTag: `repo`, `tag`; Podman's, ImageImportLibpod:
 *   `reference`
 */
export function requestedNames(path: string): readonly string[] {
  const query = queryOf(path);
  const [repository, tag] = [query.get('repo'), query.get('tag')];
  const named = repository ? [tag ? `${repository}:${tag}` : repository] : [];
  const imported = dockerRouteOf(path) === 'images/import' ? query.getAll('reference') : [];
  return [...query.getAll('t'), ...named, ...imported].map(fullImageName);
}

/** Formats a size as `12.3 MB`. */
export function formatSize(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
