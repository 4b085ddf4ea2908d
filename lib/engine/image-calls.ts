import type Docker from 'dockerode';
import type { Answer, Engine } from './engine';
import type { ListedTarget } from './list-targets';
import { imageUrlPart } from './url-part';

/** The fields that castoff reads from an image. */
export interface ImageFacts extends Pick<ListedTarget, 'id' | 'labels'> {
  readonly tags: readonly string[];
}

/** An inspected image. */
export interface InspectedImage extends ImageFacts {
  /** Whether the image is known to have had a name, now or earlier. Podman (4.3.1) does not report it. */
  readonly hasHadName: boolean;
  /** When it was last given a name, if known, in milliseconds since the epoch by the engine's clock. */
  readonly taggedAtMs: number | undefined;
}

/**
 * Removes a name from an image, and the image with its last name. Not forced: force would also remove other
 * names, and an image that a container uses.
 *
 * @see Engine API, ImageDelete
 */
export function removeImage(engine: Engine, name: string): Promise<Answer<unknown>> {
  return engine.ask('image.remove', name, (docker) => docker.getImage(imageUrlPart(name)).remove());
}

// Not in dockerode's types.
interface Tagged {
  readonly Metadata?: { readonly LastTagTime?: string };
}

function taggedAtOf({ Metadata }: Tagged): number | undefined {
  const at = Date.parse(Metadata?.LastTagTime ?? '');
  // Docker reports 0001-01-01T00:00:00Z for "never".
  return at > 0 ? at : undefined;
}

/** Inspects an image. @see Engine API, ImageInspect */
export function inspectImage(engine: Engine, name: string): Promise<Answer<InspectedImage>> {
  return engine.ask('image.inspect', name, async (docker) => {
    const image: Docker.ImageInspectInfo & Tagged = await docker.getImage(imageUrlPart(name)).inspect();
    return {
      id: image.Id,
      tags: image.RepoTags ?? [],
      labels: image.Config?.Labels ?? {},
      hasHadName: taggedAtOf(image) !== undefined,
      taggedAtMs: taggedAtOf(image),
    };
  });
}

/** One step in the history of an image. */
export interface ImageStep {
  /** The image created by the step, if the engine still has it. */
  readonly id: string;
  readonly createdBy: string;
  readonly comment: string;
}

interface HistoryStep {
  readonly Id?: string;
  readonly CreatedBy?: string;
  readonly Comment?: string;
}

/** Resolves to the steps that created an image, newest first. @see Engine API, ImageHistory */
export function readImageHistory(engine: Engine, id: string): Promise<Answer<readonly ImageStep[]>> {
  return engine.ask('image.history', id, async (docker) => {
    const steps: unknown = await docker.getImage(imageUrlPart(id)).history();
    return (steps as readonly HistoryStep[]).map((step) => ({
      id: step.Id ?? '',
      createdBy: step.CreatedBy ?? '',
      comment: step.Comment ?? '',
    }));
  });
}

/** An image in an engine's list. */
export interface StoredImage {
  readonly id: string;
  readonly tags: readonly string[];
  readonly bytes: number;
}

/** Lists the images, without intermediate ones. @see Engine API, ImageList */
export function listImages(engine: Engine): Promise<Answer<readonly StoredImage[]>> {
  return engine.ask('image.list', 'images', async (docker) => {
    const images = await docker.listImages();
    return images.map(({ Id: id, RepoTags, Size: bytes }) => {
      const tags = (RepoTags ?? []).filter((tag) => tag !== '<none>:<none>');
      return { id, tags, bytes };
    });
  });
}
