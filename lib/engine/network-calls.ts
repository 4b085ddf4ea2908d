import type { Answer, Engine } from './engine';
import type { ListedTarget } from './list-targets';
import { urlPart } from './url-part';

interface NetworkFacts extends Pick<ListedTarget, 'id' | 'name' | 'labels'> {
  /** The ids of the running containers attached to it. */
  readonly containerIds: readonly string[];
}

/** Removes a network. @see Engine API, NetworkDelete */
export function removeNetwork(engine: Engine, id: string): Promise<Answer<unknown>> {
  return engine.ask('network.remove', id, (docker) => docker.getNetwork(urlPart(id)).remove());
}

/** Disconnects a container from a network, by force. @see Engine API, NetworkDisconnect */
export function disconnectContainer(
  engine: Engine,
  networkId: string,
  containerId: string,
): Promise<Answer<unknown>> {
  return engine.ask('network.disconnect', `${containerId} from ${networkId}`, (docker) =>
    docker.getNetwork(urlPart(networkId)).disconnect({ Container: containerId, Force: true }),
  );
}

/**
 * Lists the ids of the containers attached to a network, stopped ones included, which an inspection may leave
 * out (Podman).
 *
 * @see Engine API, ContainerList, filter `network`
 */
export function listAttachedContainers(
  engine: Engine,
  networkId: string,
): Promise<Answer<readonly string[]>> {
  return engine.ask('container.list', `network ${networkId}`, async (docker) => {
    const containers = await docker.listContainers({ all: true, filters: { network: [networkId] } });
    return containers.map(({ Id }) => Id);
  });
}

/** Inspects a network. @see Engine API, NetworkInspect */
export function inspectNetwork(engine: Engine, id: string): Promise<Answer<NetworkFacts>> {
  return engine.ask('network.inspect', id, async (docker) => {
    const network = await docker.getNetwork(urlPart(id)).inspect();
    return {
      id: network.Id,
      name: network.Name,
      labels: network.Labels ?? {},
      containerIds: Object.keys(network.Containers ?? {}),
    };
  });
}

/** Lists networks that have all of `labels` (`key` or `key=value`). @see Engine API, NetworkList */
export function listNetworks(
  engine: Engine,
  labels: readonly string[],
): Promise<Answer<readonly ListedTarget[]>> {
  return engine.ask('network.list', labels.join(' '), async (docker) => {
    const networks = await docker.listNetworks({ filters: { label: [...labels] } });
    return networks.map((network) => ({
      kind: 'network',
      id: network.Id,
      name: network.Name,
      labels: network.Labels ?? {},
      createdAtMs: Date.parse(network.Created),
    }));
  });
}
