import type { Duplex } from 'node:stream';
import type Dockerode from 'dockerode';
import type { Answer, Engine } from './engine';
import { AttachedStream } from './attached-stream';
import { urlPart } from './url-part';

/** The Engine API's options of a new container. @internal */
export type NewContainer = Dockerode.ContainerCreateOptions & { readonly name: string };

/**
 * Creates a container; resolves to its id.
 *
 * @see Engine API, ContainerCreate
 * @internal
 */
export function createContainer(engine: Engine, options: NewContainer): Promise<Answer<string>> {
  return engine.ask('container.create', options.name, async (docker) => {
    const { id } = await docker.createContainer(options);
    return id;
  });
}

/** Starts a container. @see Engine API, ContainerStart */
export function startContainer(engine: Engine, id: string): Promise<Answer<unknown>> {
  return engine.ask('container.start', id, (docker) => docker.getContainer(urlPart(id)).start());
}

/**
 * Attaches to stdin and stdout of a container created with `OpenStdin` and without a terminal. Call it before
 * the start, so that no output is missed. Podman sends the body of this request as the first bytes of stdin.
 *
 * @see Engine API, ContainerAttach
 */
export function attachContainer(engine: Engine, id: string): Promise<Answer<Duplex>> {
  return engine.ask('container.attach', id, async (docker, signal) => {
    const socket = await docker
      .getContainer(urlPart(id))
      .attach({ stream: true, hijack: true, stdin: true, stdout: true, stderr: true });
    const stream = new AttachedStream(socket as Duplex);
    // The caller has stopped waiting, and would never close it.
    if (signal.aborted) stream.destroy();
    return stream;
  });
}
