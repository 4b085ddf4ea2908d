import type { Answer, Engine } from './engine';
import { readProgress } from './read-progress';

/** The repository and tag of an image. */
export interface ImageName {
  readonly repository: string;
  readonly tag: string;
}

/**
 * Creates an image with one layer from a tar archive, and names it; an existing image of that name loses it.
 * Resolves to the id.
 *
 * @param changes - Instructions of a Dockerfile: `ENV …`, `LABEL …`.
 * @see Engine API, ImageCreate, `fromSrc=-`
 */
export function importImage(
  engine: Engine,
  { repository, tag }: ImageName,
  archive: NodeJS.ReadableStream,
  changes: readonly string[],
): Promise<Answer<string>> {
  return engine.ask('image.import', `${repository}:${tag}`, async (docker, abortSignal) => {
    // Not in a separate parameter: Podman (4.3.1) ignores `tag` on an import, and names the image `latest`.
    const options = { repo: `${repository}:${tag}`, changes: [...changes], abortSignal };
    const sent = docker.importImage(archive, options).then(readProgress);
    const { status } = await Promise.race([sent, failureOf(archive)]);
    return status ?? '';
  });
}

/**
 * Builds an image from the Dockerfile in a tar archive, and names it. Missing base images are pulled.
 *
 * @param base - The base image, for the error.
 * @see Engine API, ImageBuild
 */
export function buildImage(
  engine: Engine,
  { repository, tag }: ImageName,
  base: string,
  archive: NodeJS.ReadableStream,
): Promise<Answer<unknown>> {
  return engine.ask('image.build', `${repository}:${tag} on ${base}`, async (docker, abortSignal) => {
    const options = { t: `${repository}:${tag}`, forcerm: true, abortSignal };
    return Promise.race([docker.buildImage(archive, options).then(readProgress), failureOf(archive)]);
  });
}

// dockerode never settles when the archive stream fails.
function failureOf(archive: NodeJS.ReadableStream): Promise<never> {
  return new Promise((_, reject) => archive.once('error', reject));
}
