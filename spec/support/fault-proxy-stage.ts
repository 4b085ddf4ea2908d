import { randomUUID } from 'node:crypto';
import { request, type IncomingMessage, type RequestOptions } from 'node:http';
import type { Readable } from 'node:stream';
import { afterEach, beforeEach } from '@jest/globals';
import Docker from 'dockerode';
import { askEngine } from './ask-engine';
import { openFaultProxy, type FaultProxy } from './fault-proxy';

export const image = 'castoff-spec/busybox:1';
/** Another one in each spec file: files that run at the same time share the engine. */
export const label = `castoff-proxy-spec-${randomUUID()}`;
/** The engine, without the proxy. */
export const direct = new Docker({ socketPath: '/var/run/docker.sock' });

/** A proxy, and a client that connects through it. */
export interface ProxyStage {
  proxy: FaultProxy;
  docker: Docker;
}

/** Opens a proxy for each spec of the file; then removes the resources with `label`. */
export function openProxyForEach(): ProxyStage {
  const stage = {} as ProxyStage;
  beforeEach(async () => {
    stage.proxy = await openFaultProxy();
    stage.docker = new Docker({ socketPath: stage.proxy.socketPath });
  });
  afterEach(async () => {
    await stage.proxy.close();
    const filters = { label: [label] };
    const containers = await direct.listContainers({ all: true, filters });
    await Promise.all(containers.map(({ Id }) => direct.getContainer(Id).remove({ force: true, v: true })));
    const images = await direct.listImages({ filters });
    await Promise.all(images.map(({ Id }) => direct.getImage(Id).remove({ force: true })));
    const { Volumes } = await direct.listVolumes({ filters });
    await Promise.all(Volumes.map(({ Name }) => direct.getVolume(Name).remove()));
  });
  return stage;
}

/** Creates a container without starting it. */
export function createContainer(
  options: Partial<Docker.ContainerCreateOptions> = {},
): Promise<Docker.Container> {
  return direct.createContainer({
    Image: image,
    Cmd: ['sleep', '600'],
    Labels: { [label]: '1' },
    ...options,
  });
}

export async function startContainer(
  options: Partial<Docker.ContainerCreateOptions> = {},
): Promise<Docker.Container> {
  const container = await createContainer(options);
  await container.start();
  return container;
}

/** Resolves to the response with its body unread; on a new connection unless `options` has an agent. */
export function ask(
  socketPath: string,
  method: string,
  path: string,
  options: RequestOptions = {},
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const asking = request({ socketPath, method, path, agent: false, ...options }, resolve);
    asking.on('error', reject);
    asking.end();
  });
}

export async function isThere({ id }: Docker.Container): Promise<boolean> {
  return (await askEngine('/var/run/docker.sock', 'GET', `/containers/${id}/json`)).status === 200;
}

export function hasEnded({ ended }: { readonly ended?: string }): boolean {
  return ended !== undefined;
}

/** Reads until `enough` matches everything read so far, or the stream ends; reading can continue later. */
export async function readUntil(stream: Readable, enough: RegExp): Promise<string> {
  let soFar = '';
  for await (const piece of stream.iterator({ destroyOnReturn: false })) {
    soFar += String(piece);
    if (enough.test(soFar)) break;
  }
  return soFar;
}
