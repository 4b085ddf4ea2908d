import type { Answer, Engine } from './engine';
import { readProgress } from './read-progress';

/**
 * Creates an image with one layer from a tar archive, and names it; an existing image of that name loses it.
 * Resolves to the id.
 *
 * @param changes - Instructions of a Dockerfile: `ENV …`, `LABEL …`.
 * @see Engine API, ImageCreate, `fromSrc=-`
 */
export function importImage(
  engine: Engine,
  name: string,
  archive: NodeJS.ReadableStream,
  changes: readonly string[],
): Promise<Answer<string>> {
  return engine.ask('image.import', name, async (docker, abortSignal) => {
    // Not in a separate parameter: Podman (4.3.1) ignores `tag` on an import, and names the image `latest`.
    const options = { repo: name, changes: [...changes], abortSignal };
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
  name: string,
  base: string,
  archive: NodeJS.ReadableStream,
): Promise<Answer<unknown>> {
  return engine.ask('image.build', `${name} on ${base}`, async (docker, abortSignal) => {
    const options = { t: name, forcerm: true, abortSignal };
    return Promise.race([docker.buildImage(archive, options).then(readProgress), failureOf(archive)]);
  });
}

// dockerode never settles when the archive stream fails.
function failureOf(archive: NodeJS.ReadableStream): Promise<never> {
  return new Promise((_, reject) => archive.once('error', reject));
}
