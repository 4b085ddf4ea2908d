import type { Answer, Engine } from './engine';
import { urlPart } from './url-part';

/** A container's port that can be reached from outside. */
export interface PublishedPort {
  /** `5432/tcp` */
  readonly port: string;
  readonly hostPort: number;
}

/** Its published ports, each once: an engine may publish one on several addresses. @see Engine API, ContainerInspect, NetworkSettings.Ports */
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
