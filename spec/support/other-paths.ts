import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** An engine behind a proxy that rewrites every path. */
export type OtherEngine = AsyncDisposable & { readonly address: string };

/** Opens the engine on `upstream` with an older API, which it has under that version's path. */
export function openOldEngine(apiVersion: string, upstream?: string): Promise<OtherEngine> {
  return openWithOtherPaths((path) => `/v${apiVersion}${path}`, upstream);
}

/** Opens the engine on `upstream` without filters: it ignores them all. */
export function openUnfilteringEngine(upstream?: string): Promise<OtherEngine> {
  return openWithOtherPaths((path) => {
    const url = new URL(path, 'http://engine');
    url.searchParams.delete('filters');
    return `${url.pathname}${url.search}`;
  }, upstream);
}

async function openWithOtherPaths(
  pathFor: (path: string) => string,
  upstream = '/var/run/docker.sock',
): Promise<OtherEngine> {
  const server = createServer((asked, answer) => {
    const { method, headers, url = '/' } = asked;
    const path = pathFor(url);
    const call = request({ socketPath: upstream, agent: false, method, headers, path }, (given) => {
      answer.writeHead(given.statusCode ?? 502, given.headers);
      given.pipe(answer);
    });
    call.once('error', () => answer.destroy());
    answer.once('close', () => call.destroy());
    asked.pipe(call);
  });
  const folder = await mkdtemp(join(tmpdir(), 'castoff-other-paths-'));
  const socketPath = join(folder, 'engine.sock');
  server.listen(socketPath);
  await once(server, 'listening');
  return {
    address: `unix://${socketPath}`,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
      await rm(folder, { recursive: true });
    },
  };
}
