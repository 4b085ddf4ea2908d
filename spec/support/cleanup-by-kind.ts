import { cleanupContainer, cleanupImage, cleanupNetwork, cleanupVolume } from '../../lib/index';

/** The public cleanup of each kind. */
export const cleanupByKind = {
  container: cleanupContainer,
  network: cleanupNetwork,
  volume: cleanupVolume,
  image: cleanupImage,
};
