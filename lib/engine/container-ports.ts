import type { Answer, Engine } from './engine';
import { urlPart } from './url-part';

/** A container's port that is published on the engine's host. */
export interface PublishedPort {
  /** `5432/tcp` */
  readonly port: string;
  readonly hostPort: number;
}

/**
 * Resolves to a container's published ports without duplicates: an engine may publish a port on several
 * addresses.
 *
 * @see Engine API, ContainerInspect, NetworkSettings.Ports
 */
export function inspectPorts(engine: Engine, id: string): Promise<Answer<readonly PublishedPort[]>> {
  return engine.ask('container.inspect', id, async (docker) => {
    const { NetworkSettings } = await docker.getContainer(urlPart(id)).inspect();
    const ports = new Map<string, PublishedPort>();
    for (const [port, bindings] of Object.entries(NetworkSettings.Ports ?? {}))
      for (const { HostPort } of bindings ?? [])
        ports.set(`${port} ${HostPort}`, { port, hostPort: Number(HostPort) });
    return [...ports.values()];
  });
}

/** The ports and addresses at which a container accepts connections. */
export interface ContainerAddresses {
  /** Its published ports on the engine's host. */
  readonly hostPorts: readonly number[];
  /** Its addresses in its networks. */
  readonly addresses: readonly string[];
}

/** Resolves to the ports and addresses of a container. @see Engine API, ContainerInspect, NetworkSettings */
export function inspectAddresses(engine: Engine, id: string): Promise<Answer<ContainerAddresses>> {
  return engine.ask('container.inspect', id, async (docker) => {
    const { NetworkSettings } = await docker.getContainer(urlPart(id)).inspect();
    const bindings = Object.values(NetworkSettings.Ports ?? {}).flatMap((binding) => binding ?? []);
    const networks = Object.values(NetworkSettings.Networks ?? {});
    return {
      hostPorts: bindings.map(({ HostPort }) => Number(HostPort)),
      addresses: networks
        .flatMap(({ IPAddress, GlobalIPv6Address }) => [IPAddress, GlobalIPv6Address])
        .filter((address) => Boolean(address)),
    };
  });
}
