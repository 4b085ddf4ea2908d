import { mapAnswer } from '../engine/engine';
import { disconnectContainer, inspectNetwork, removeNetwork } from '../engine/network-calls';
import { isFullId, type Removable } from './kind';

export const network: Removable = {
  kind: 'network',
  isCertain: isFullId,
  look: async (engine, id) =>
    mapAnswer(await inspectNetwork(engine, id), (facts) => ({ ...facts, identity: facts.id })),
  remove: removeNetwork,
  async detach(engine, id) {
    const seen = await inspectNetwork(engine, id);
    if (seen.meaning !== 'done') return;
    // What cannot be disconnected keeps the network busy, and its next removal says so.
    await Promise.all(
      seen.value.containerIds.map((containerId) => disconnectContainer(engine, id, containerId)),
    );
  },
  advice: 'remove what is still connected to it (`docker network inspect` lists it) first',
};
