import type { Labels } from '../core/labels';
import type { Answer, Engine } from './engine';
import { urlPart } from './url-part';

/** The fields that castoff reads from a Swarm service's inspection. */
export interface ServiceFacts {
  readonly name: string;
  /** The labels of the service itself; those of its containers are in its template. */
  readonly labels: Labels;
}

/** Inspects a Swarm service. @see Engine API, ServiceInspect */
export function inspectService(engine: Engine, id: string): Promise<Answer<ServiceFacts>> {
  return engine.ask('service.inspect', id, async (docker) => {
    const { Spec } = (await docker.getService(urlPart(id)).inspect()) as InspectedService;
    return { name: Spec.Name, labels: Spec.Labels ?? {} };
  });
}

/** dockerode declares the answer as `any`. */
interface InspectedService {
  readonly Spec: { readonly Name: string; readonly Labels?: Labels };
}

/**
 * Removes a Swarm service; the swarm then stops and removes its containers.
 *
 * @see Engine API, ServiceDelete
 */
export function removeService(engine: Engine, id: string): Promise<Answer<unknown>> {
  return engine.ask('service.remove', id, (docker) => docker.getService(urlPart(id)).remove());
}
