import { mapAnswer } from '../engine/engine';
import { inspectVolume, removeVolume } from '../engine/volume-calls';
import type { Removable } from './kind';

export const volume: Removable = {
  kind: 'volume',
  isCertain: () => false,
  look: async (engine, name) =>
    mapAnswer(await inspectVolume(engine, name), (facts) => ({
      id: facts.name,
      labels: facts.labels,
      createdAt: facts.createdAt,
      // A volume has no id: its labels tell it from a later one of the same name.
      identity: JSON.stringify(facts.labels, Object.keys(facts.labels).toSorted()),
    })),
  remove: removeVolume,
  advice: 'remove the containers that mount it (`docker ps --all --filter volume=…`) first',
};
