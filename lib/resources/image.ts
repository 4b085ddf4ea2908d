import { mapAnswer } from '../engine/engine';
import { inspectImage, removeImage } from '../engine/image-calls';
import type { Removable } from './kind';

export const image: Removable = {
  kind: 'image',
  isCertain: () => false,
  look: async (engine, name) =>
    mapAnswer(await inspectImage(engine, name), (facts) => ({
      id: name,
      name: facts.tags[0],
      identity: facts.id,
    })),
  remove: removeImage,
  advice: 'remove the containers and images made from it, or its other names, first',
};
