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
