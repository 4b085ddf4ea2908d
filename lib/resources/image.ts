import { mapAnswer } from '../engine/engine';
import { inspectImage, removeImage, type ImageFacts } from '../engine/image-calls';
import type { Removable } from './kind';

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
  advice: 'remove the containers and images made from it, or its other names, first',
};

/**
 * A name of twelve hexadecimal digits may begin another image's id: Docker's containerd image store finds it, and then answers
 * its removal with 404 "ambiguous reference".
 */
function unambiguousName(given: string, tags: readonly string[]): string {
  return /^[0-9a-f]{12,64}$/.test(given) && tags.includes(`${given}:latest`) ? `${given}:latest` : given;
}

/**
 * Whether `given` says this image: by a name, its digest, its id, or the twelve digits of a short id. Engines go further: for
 * `cafe`, when it is gone, Docker finds an image whose id begins so, and Podman one that is called `somebody/cafe`.
 */
function matchesReference(given: string, { id, tags }: ImageFacts): boolean {
  if (given.includes('@')) return true;
  const isId = /^(sha256:[0-9a-f]+|[0-9a-f]{12,})$/.test(given);
  if (isId && id.replace('sha256:', '').startsWith(given.replace('sha256:', ''))) return true;
  return tags.map(fullName).includes(fullName(given));
}

// `cafe` is stored as cafe:latest by Docker; as localhost/cafe:latest or docker.io/library/cafe:latest by Podman.
function fullName(name: string): string {
  const short = name.replace(/^(localhost|(index\.)?docker\.io)\//, '').replace(/^library\//, '');
  return /:[^/]*$/.test(short) ? short : `${short}:latest`;
}
