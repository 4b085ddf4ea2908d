import { mapAnswer, type Engine } from '../engine/engine';
import { listContainersUsing } from '../engine/container-calls';
import { disconnectContainer, inspectNetwork, removeNetwork } from '../engine/network-calls';
import { isFullId, isPrefixMatch, type Removable } from './kind';

/** Inspects and removes networks. */
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
    // Podman (4.3 to 5.8) removes a network by id while containers are attached to it; removing the
    // containers then fails with 500 "unable to find network".
    if (engine.isPodman) await detachAll(engine, id);
    return removeNetwork(engine, id);
  },
  detach: detachAll,
  advice: 'remove its connected containers first (`docker network inspect` lists them)',
};

async function detachAll(engine: Engine, id: string): Promise<void> {
  const attached = engine.isPodman
    ? await listContainersUsing(engine, 'network', id)
    : mapAnswer(await inspectNetwork(engine, id), ({ containerIds }) => containerIds);
  if (attached.meaning !== 'done') return;
  // Engine calls never reject. A container that cannot be disconnected keeps the network busy, and the next
  // removal reports it.
  await Promise.all(attached.value.map((containerId) => disconnectContainer(engine, id, containerId)));
}
