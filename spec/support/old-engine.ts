import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The engine on `upstream` as it answers to a client of an older API, which it does under that version's path. */
export async function openOldEngine(
  apiVersion: string,
  upstream = '/var/run/docker.sock',
): Promise<AsyncDisposable & { readonly address: string }> {
  const server = createServer((asked, answer) => {
    const { method, headers, url } = asked;
    const call = request(
      { socketPath: upstream, agent: false, method, headers, path: `/v${apiVersion}${url}` },
      (given) => {
        answer.writeHead(given.statusCode ?? 502, given.headers);
        given.pipe(answer);
      },
    );
    call.once('error', () => answer.destroy());
    answer.once('close', () => call.destroy());
    asked.pipe(call);
  });
  const folder = await mkdtemp(join(tmpdir(), 'castoff-old-engine-'));
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
