import {
  inspectContainer,
  removeContainer,
  stopContainer,
  waitUntilRemoved,
} from '../engine/container-calls';
import { mapAnswer } from '../engine/engine';
import { isFullId, isPrefixMatch, type Removable } from './kind';

/** Inspects and removes containers. */
export const container: Removable = {
  kind: 'container',
  isImmutableId: isFullId,
  inspect: async (engine, id) =>
    mapAnswer(await inspectContainer(engine, id), (facts) => ({
      ...facts,
      identity: facts.id,
      isPartialMatch: isPrefixMatch(id, facts.id, [facts.name]),
    })),
  remove: removeContainer,
  stop: stopContainer,
  waitForRemoval: waitUntilRemoved,
  advice:
    "see `docker inspect` for its state and the engine's log for why; a `dead` container needs its files freed on the host",
};
