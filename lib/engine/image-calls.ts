import type { Answer, Engine } from './engine';
import { imageUrlPart } from './url-part';

/** What castoff reads of an image. */
export interface ImageFacts {
  readonly id: string;
  readonly tags: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly createdAtMs?: number | undefined;
}

/**
 * Takes the name off an image, and removes the image with its last name. Not forced: force would take an image away from a
 * container, and other names with it. @see Engine API, ImageDelete
 */
export function removeImage(engine: Engine, name: string): Promise<Answer<unknown>> {
  return engine.ask('image.remove', name, (docker) => docker.getImage(imageUrlPart(name)).remove());
}

export function inspectImage(engine: Engine, name: string): Promise<Answer<ImageFacts>> {
  return engine.ask('image.inspect', name, async (docker) => {
    const image = await docker.getImage(imageUrlPart(name)).inspect();
    return { id: image.Id, tags: image.RepoTags ?? [], labels: image.Config?.Labels ?? {} };
  });
}

export function listImages(
  engine: Engine,
  labels: readonly string[],
): Promise<Answer<readonly ImageFacts[]>> {
  return engine.ask('image.list', labels.join(' '), async (docker) => {
    const images = await docker.listImages({ filters: { label: [...labels] } });
    return images.map((image) => ({
      id: image.Id,
      tags: image.RepoTags ?? [],
      labels: image.Labels ?? {},
      createdAtMs: image.Created * 1_000,
    }));
  });
}
