import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { agentFor } from '../../lib/engine/agent';
import { parseEndpoint } from '../../lib/engine/parse-endpoint';
import { pingEndpoint } from '../../lib/engine/ping-endpoint';

/** Serves each connection by `answer` at a socket of its own. */
async function openServer(answer: (socket: Socket) => void) {
  const folder = await mkdtemp(join(tmpdir(), 'castoff-ping-'));
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.once('data', () => answer(socket));
  });
  server.listen(join(folder, 'engine.sock'));
  await once(server, 'listening');
  return {
    path: join(folder, 'engine.sock'),
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await rm(folder, { recursive: true });
    },
  };
}

async function ping(path: string, signal = new AbortController().signal): Promise<unknown> {
  const endpoint = parseEndpoint(`unix://${path}`, 'spec');
  const agent = agentFor(endpoint);
  try {
    return await pingEndpoint(endpoint, agent, signal);
  } finally {
    agent.destroy();
  }
}

const docker = 'HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 2\r\n\r\nOK';
const podman = 'HTTP/1.1 200 OK\r\nLibpod-Api-Version: 4.3.1\r\nContent-Length: 2\r\n\r\nOK';
const refusal =
  'HTTP/1.1 500 Internal Server Error\r\nContent-Length: 20\r\nConnection: close\r\n\r\n{"message":"broken"}';

describe('a ping of a local engine', () => {
  it.each([
    ['Docker', docker, false],
    ['Podman', podman, true],
  ])('recognises %s by its first response, in pieces of any size', async (_, response, isPodman) => {
    for (const size of [1, 20, response.length]) {
      const write = async (socket: Socket): Promise<void> => {
        for (let at = 0; at < response.length; at += size)
          await new Promise((resolve) => void socket.write(response.slice(at, at + size), resolve));
      };
      await using server = await openServer((socket) => void write(socket));
      expect(await ping(server.path)).toEqual({ isPodman });
      expect(server.sockets).toHaveLength(1);
    }
  });

  it('fails at once when its signal has aborted before', async () => {
    await using server = await openServer(() => undefined);
    await expect(ping(server.path, AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('fails with the status and the message of an engine that refuses', async () => {
    await using server = await openServer((socket) => socket.end(refusal));
    await expect(ping(server.path)).rejects.toMatchObject({ statusCode: 500, json: { message: 'broken' } });
  });

  it.each([
    ['closes without a response', (socket: Socket) => void socket.end()],
    ['speaks another protocol', (socket: Socket) => void socket.end('220 mail\r\n\r\n')],
    [
      'sends a head without an end',
      (socket: Socket) => void socket.write(`HTTP/1.1 200 OK\r\nA: ${'a'.repeat(99_999)}`),
    ],
  ])('fails if the server %s', async (_, answer) => {
    await using server = await openServer(answer);
    await expect(ping(server.path)).rejects.toMatchObject({ code: expect.any(String) });
  });

  it('fails if nothing listens', async () => {
    await expect(ping('/castoff-spec/none.sock')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('ends with its signal if the engine stays silent', async () => {
    const ending = new AbortController();
    await using server = await openServer(() => ending.abort());
    await expect(ping(server.path, ending.signal)).rejects.toMatchObject({ name: 'AbortError' });
    expect(server.sockets).toHaveLength(1);
  });
});
