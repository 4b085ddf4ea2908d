import { fullImageName } from '../core/image-name';
import { mapAnswer } from '../engine/engine';
import { inspectImage, removeImage, type ImageFacts } from '../engine/image-calls';
import type { Removable } from './kind';

/** Inspects and removes images. */
export const image: Removable = {
  kind: 'image',
  isImmutableId: () => false,
  inspect: async (engine, name) =>
    mapAnswer(await inspectImage(engine, name), (facts) => ({
      id: unambiguousName(name, facts.tags),
      name: facts.tags[0],
      labels: facts.labels,
      identity: facts.id,
      isPartialMatch: !matchesReference(name, facts),
    })),
  remove: removeImage,
  advice: 'remove the containers and images made from it, or its other tags, first',
};

/**
 * A name of twelve hexadecimal digits may also be a prefix of another image's id: Docker's containerd image
 * store finds the name, but rejects its removal with 404 "ambiguous reference".
 */
function unambiguousName(given: string, tags: readonly string[]): string {
  const named = `${given}:latest`;
  const isName = tags.map(fullImageName).includes(fullImageName(named));
  return /^[0-9a-f]{12,64}$/.test(given) && isName ? named : given;
}

/**
 * Whether `given` is a name, a digest, the id or the short id of this image. Engines match more: for `cafe`,
 * Docker finds an image whose id starts with it, and Podman one called `library/cafe`.
 */
function matchesReference(given: string, { id, tags }: ImageFacts): boolean {
  if (given.includes('@')) return true;
  const isId = /^(sha256:[0-9a-f]+|[0-9a-f]{12,})$/.test(given);
  if (isId && id.replace('sha256:', '').startsWith(given.replace('sha256:', ''))) return true;
  return tags.map(fullImageName).includes(fullImageName(given));
}
