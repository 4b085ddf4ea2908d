import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The engine on `upstream`, as one answers that ignores every filter. */
export async function openUnfilteringEngine(
  upstream = '/var/run/docker.sock',
): Promise<AsyncDisposable & { readonly address: string }> {
  const server = createServer((asked, answer) => {
    const { method, headers } = asked;
    const url = new URL(asked.url ?? '/', 'http://engine');
    url.searchParams.delete('filters');
    const path = `${url.pathname}${url.search}`;
    const call = request({ socketPath: upstream, agent: false, method, headers, path }, (given) => {
      answer.writeHead(given.statusCode ?? 502, given.headers);
      given.pipe(answer);
    });
    call.once('error', () => answer.destroy());
    answer.once('close', () => call.destroy());
    asked.pipe(call);
  });
  const folder = await mkdtemp(join(tmpdir(), 'castoff-unfiltering-'));
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
