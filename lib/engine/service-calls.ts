import type { Answer, Engine } from './engine';
import { urlPart } from './url-part';

/** What castoff reads of a Swarm service. */
export interface ServiceFacts {
  readonly name: string;
  /** Of the service itself; those of its containers are part of its template. */
  readonly labels: Readonly<Record<string, string>>;
}

/** @see Engine API, ServiceInspect */
export function inspectService(engine: Engine, id: string): Promise<Answer<ServiceFacts>> {
  return engine.ask('service.inspect', id, async (docker) => {
    const { Spec } = (await docker.getService(urlPart(id)).inspect()) as InspectedService;
    return { name: Spec.Name, labels: Spec.Labels ?? {} };
  });
}

/** dockerode declares the answer as `any`. */
interface InspectedService {
  readonly Spec: { readonly Name: string; readonly Labels?: Readonly<Record<string, string>> };
}

/** Its containers are stopped and removed by the swarm afterwards. @see Engine API, ServiceDelete */
export function removeService(engine: Engine, id: string): Promise<Answer<unknown>> {
  return engine.ask('service.remove', id, (docker) => docker.getService(urlPart(id)).remove());
}
