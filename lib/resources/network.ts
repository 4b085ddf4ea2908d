import { mapAnswer, type Engine } from '../engine/engine';
import {
  disconnectContainer,
  inspectNetwork,
  listAttachedContainers,
  removeNetwork,
} from '../engine/network-calls';
import { isFullId, isPrefixMatch, type Removable } from './kind';

export const network: Removable = {
  kind: 'network',
  isImmutableId: isFullId,
  inspect: async (engine, id) =>
    mapAnswer(await inspectNetwork(engine, id), (facts) => ({
      ...facts,
      identity: facts.id,
      isPartialMatch: isPrefixMatch(id, facts.id, [facts.name]),
    })),
  async remove(engine, id) {
    // Podman removes a network by its id while containers are attached to it (4.3 to 5.8), and their own removal fails then:
    // 500 "unable to find network".
    if (engine.isPodman) await detachAll(engine, id);
    return removeNetwork(engine, id);
  },
  detach: detachAll,
  advice: 'remove what is still connected to it (`docker network inspect` lists it) first',
};

async function detachAll(engine: Engine, id: string): Promise<void> {
  const attached = engine.isPodman
    ? await listAttachedContainers(engine, id)
    : mapAnswer(await inspectNetwork(engine, id), ({ containerIds }) => containerIds);
  if (attached.meaning !== 'done') return;
  // An answer never rejects: what cannot be disconnected keeps the network busy, and its next removal says so.
  await Promise.all(attached.value.map((containerId) => disconnectContainer(engine, id, containerId)));
}
