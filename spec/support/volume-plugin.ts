import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { dirname } from 'node:path';
import { json } from 'node:stream/consumers';
import type { PrivateEngine } from './private-engine';
import { until } from './until';

/** A volume driver of an engine that creates its volumes only when they are released. */
export interface VolumePlugin extends AsyncDisposable {
  /** The name of the driver. */
  readonly driver: string;
  /** Holds creations from now on. */
  hold(): void;
  /** Resolves when it holds that many creations. */
  asked(count: number): Promise<void>;
  /** Answers the held creations, and holds no more. */
  release(): void;
  /** The volumes that it has created and not removed. */
  volumes(): readonly string[];
}

type Answer = Readonly<Record<string, unknown>>;

/**
 * Opens a plugin for that engine. The engine finds it by its socket when a volume first names the driver.
 *
 * @see Docker, "Volume plugin protocol" and "Plugin discovery"
 */
export async function openVolumePlugin(engine: PrivateEngine, driver = 'slow'): Promise<VolumePlugin> {
  const volumes = new Set<string>();
  const held: string[] = [];
  let gate = Promise.withResolvers<void>();
  gate.resolve();

  const describe = (name: string): Answer => ({ Name: name, Mountpoint: engine.dataRoot });
  const calls: Readonly<Record<string, (name: string) => Answer | Promise<Answer>>> = {
    '/Plugin.Activate': () => ({ Implements: ['VolumeDriver'] }),
    '/VolumeDriver.Capabilities': () => ({ Capabilities: { Scope: 'local' } }),
    '/VolumeDriver.List': () => ({ Volumes: [...volumes].map(describe) }),
    '/VolumeDriver.Get': (name) =>
      volumes.has(name) ? { Volume: describe(name) } : { Err: `no such volume: ${name}` },
    '/VolumeDriver.Path': describe,
    '/VolumeDriver.Mount': describe,
    '/VolumeDriver.Unmount': () => ({ Err: '' }),
    '/VolumeDriver.Remove': (name) => ({ Err: volumes.delete(name) ? '' : `no such volume: ${name}` }),
    '/VolumeDriver.Create': async (name) => {
      held.push(name);
      await gate.promise;
      volumes.add(name);
      return { Err: '' };
    },
  };
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { Name: name = '' } = ((await json(request).catch(() => undefined)) ?? {}) as { Name?: string };
    const answer = (await calls[request.url ?? '']?.(name)) ?? { Err: `not supported: ${request.url}` };
    response.setHeader('Content-Type', 'application/vnd.docker.plugins.v1.1+json');
    response.end(JSON.stringify(answer));
  };

  const socketPath = engine.pathFromOutside(`/run/docker/plugins/${driver}.sock`);
  await mkdir(dirname(socketPath), { recursive: true });
  const server = createServer((request, response) => void serve(request, response));
  server.listen(socketPath);
  await once(server, 'listening');
  return {
    driver,
    hold() {
      held.length = 0;
      gate = Promise.withResolvers<void>();
    },
    async asked(count) {
      if (!(await until(() => held.length === count)))
        throw new Error(`wait for ${count} creations by volume driver ${driver}: it got ${held.length}`);
    },
    release: () => gate.resolve(),
    volumes: () => [...volumes],
    async [Symbol.asyncDispose]() {
      gate.resolve();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
