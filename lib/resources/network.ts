import { mapAnswer } from '../engine/engine';
import { disconnectContainer, inspectNetwork, removeNetwork } from '../engine/network-calls';
import { isFullId, isGuess, type Removable } from './kind';

export const network: Removable = {
  kind: 'network',
  isCertain: isFullId,
  look: async (engine, id) =>
    mapAnswer(await inspectNetwork(engine, id), (facts) => ({
      ...facts,
      identity: facts.id,
      isGuess: isGuess(id, facts.id, [facts.name]),
    })),
  remove: removeNetwork,
  async detach(engine, id) {
    const seen = await inspectNetwork(engine, id);
    if (seen.meaning !== 'done') return;
    // An answer never rejects: what cannot be disconnected keeps the network busy, and its next removal says so.
    await Promise.all(
      seen.value.containerIds.map((containerId) => disconnectContainer(engine, id, containerId)),
    );
  },
  advice: 'remove what is still connected to it (`docker network inspect` lists it) first',
};
