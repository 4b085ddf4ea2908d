import type { Answer, Engine } from './engine';
import { readProgress } from './read-progress';

/** A name of an image, in its two parts. */
export interface ImageName {
  readonly repository: string;
  readonly tag: string;
}

/**
 * Makes an image of one layer of a tar archive, and gives it the name; what had the name before is an image without one then.
 * Answers with the id. @see Engine API, ImageCreate, `fromSrc=-`
 *
 * @param changes - Lines as in a Dockerfile: `ENV …`, `LABEL …`.
 */
export function importImage(
  engine: Engine,
  { repository, tag }: ImageName,
  archive: NodeJS.ReadableStream,
  changes: readonly string[],
): Promise<Answer<string>> {
  return engine.ask('image.import', `${repository}:${tag}`, async (docker, abortSignal) => {
    // Not in two parameters: Podman (4.3.1) passes `tag` by on an import, and names the image `latest`.
    const options = { repo: `${repository}:${tag}`, changes: [...changes], abortSignal };
    const sent = docker.importImage(archive, options).then(readProgress);
    const { status } = await Promise.race([sent, failureOf(archive)]);
    return status ?? '';
  });
}

/**
 * Builds the image that the Dockerfile in a tar archive describes, and gives it the name. Images that it starts from are
 * pulled where they are missing. @see Engine API, ImageBuild
 *
 * @param base - What it starts from: for the error.
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

// dockerode waits for ever for an archive that breaks off.
function failureOf(archive: NodeJS.ReadableStream): Promise<never> {
  return new Promise((_, reject) => archive.once('error', reject));
}
