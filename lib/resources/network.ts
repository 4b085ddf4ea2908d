import { mapAnswer, type Answer, type Engine } from '../engine/engine';
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
  remove: async (engine, id) => (engine.isPodman ? removeOnPodman(engine, id) : removeNetwork(engine, id)),
  detach: detachAll,
  advice: 'remove its connected containers first (`docker network inspect` lists them)',
};

/**
 * Removes a network unless containers are attached to it, as Docker does. By id, Podman (4.3 to 5.8) removes it
 * nevertheless, and removing the containers then fails with 500 "unable to find network"; by name, it refuses.
 * But by name, it reports the default network as in use, and only by id that it can never be removed.
 */
async function removeOnPodman(engine: Engine, id: string): Promise<Answer<unknown>> {
  const attached = await listContainersUsing(engine, 'network', id);
  if (attached.meaning !== 'done') return attached;
  if (attached.value.length === 0) return removeNetwork(engine, id);
  const own = await inspectNetwork(engine, id);
  if (own.meaning !== 'done') return own;
  // Podman's name of the default network is configurable; `bridge` always refers to it.
  const byDefault = await inspectNetwork(engine, 'bridge');
  if (byDefault.meaning !== 'done' && byDefault.meaning !== 'gone') return byDefault;
  const isDefault = byDefault.meaning === 'done' && byDefault.value.id === own.value.id;
  return removeNetwork(engine, isDefault ? id : own.value.name);
}

async function detachAll(engine: Engine, id: string): Promise<void> {
  const attached = engine.isPodman
    ? await listContainersUsing(engine, 'network', id)
    : mapAnswer(await inspectNetwork(engine, id), ({ containerIds }) => containerIds);
  if (attached.meaning !== 'done') return;
  // Engine calls never reject. A container that cannot be disconnected keeps the network busy, and the next
  // removal reports it.
  await Promise.all(attached.value.map((containerId) => disconnectContainer(engine, id, containerId)));
}
