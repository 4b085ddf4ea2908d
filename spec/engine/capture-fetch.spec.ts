import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { Agent, request } from 'undici';
import { sessionIdentity } from '../../lib/registry/session-identity';
import { inATest, stageOfFile, whose } from '../support/capture-stage';
import { rejectionOf } from '../support/rejection';
import { specImage } from '../support/spec-image';
import { docker, uniqueName } from '../support/things';
import { nextLine } from '../support/this-line';

let ready = async (): Promise<void> => undefined;
const stage = stageOfFile({ ready: () => ready() });
const socketPath = (process.env['DOCKER_HOST'] || 'unix:///var/run/docker.sock').replace('unix://', '');
const dispatcher = new Agent({ connect: { socketPath } });
const host = process.env['DOCKER_HOST'];
afterEach(() => {
  ready = async () => undefined;
  if (host === undefined) delete process.env['DOCKER_HOST'];
  else process.env['DOCKER_HOST'] = host;
});
afterAll(() => dispatcher.close());

const headers = { 'content-type': 'application/json' };
const json = (body: object) => ({ method: 'POST', headers, body: JSON.stringify(body) }) as const;
const container = json({ Image: specImage, Labels: { mine: 'kept' } });
const lastEntry = () => stage.entries().at(-1)!;
const survivor = async () => (await stage.findSurvivors(({ key }) => key === lastEntry().key))[0];
const labelsOf = async (id: string) => (await docker.getContainer(id).inspect()).Config.Labels;

/** A TCP port in front of the engine, which `DOCKER_HOST` names. */
async function openTcpEngine() {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    const engine = connect(socketPath);
    sockets.push(socket, engine);
    socket.on('error', () => engine.destroy()).pipe(engine);
    engine.on('error', () => socket.destroy()).pipe(socket);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  process.env['DOCKER_HOST'] = `tcp://${address}`;
  return {
    url: `http://${address}`,
    async [Symbol.asyncDispose]() {
      const closed = once(server.close(), 'close');
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

describe('resources that fetch and undici create', () => {
  it.each([
    ['text', container.body],
    ['bytes', Buffer.from(container.body)],
    ['a stream', () => Readable.from([Buffer.from(container.body)])],
    ['a blob', new Blob([container.body])],
  ])('carry the labels of their owner when the body is %s', async (_, body) => {
    const given = typeof body === 'function' ? body() : body;
    const source = nextLine();
    const answer = await request('http://docker/containers/create', {
      ...container,
      body: given as Buffer,
      dispatcher,
    });
    const { Id } = (await answer.body.json()) as { readonly Id: string };
    const labels = await labelsOf(Id);
    expect(labels['mine']).toBe('kept');
    const { key } = lastEntry();
    expect(whose(labels)).toEqual({ session: sessionIdentity().id, test: inATest.test, source, start: key });
    expect(lastEntry()).toMatchObject({ kind: 'container', origin: 'raw', owner: { ...inATest, source } });
    expect(await survivor()).toMatchObject({ id: Id, state: 'present' });
  });

  it.each([
    ['network', 'networks/create'],
    ['volume', 'volumes/create'],
  ] as const)('by fetch over TCP are found: a %s', async (kind, path) => {
    await using engine = await openTcpEngine();
    const Name = uniqueName();
    const source = nextLine();
    const answer = await fetch(`${engine.url}/${path}`, json({ Name }));
    expect(answer.status).toBe(201);
    expect(lastEntry()).toMatchObject({ kind, name: Name, owner: { ...inATest, source } });
    expect(await survivor()).toMatchObject({ kind, name: Name, state: 'present' });
  });

  it('were never created when the engine rejects the request', async () => {
    const answer = await request('http://docker/containers/create', {
      ...json({ Image: 'castoff-spec/no-such-image:1' }),
      dispatcher,
    });
    await answer.body.dump();
    expect(answer.statusCode).toBe(404);
    expect(await survivor()).toBeUndefined();
    expect(lastEntry()).toMatchObject({ state: 'gone', outcome: 'never-created' });
  });

  it('are not created when the run fails to get ready', async () => {
    ready = () => Promise.reject(new Error('no lease'));
    const before = stage.entries().length;
    await using engine = await openTcpEngine();
    const error = await rejectionOf(fetch(`${engine.url}/containers/create`, container));
    expect((error as Error).cause).toMatchObject({ message: 'no lease' });
    expect(stage.entries().length).toBe(before);
  });

  it('are reported when the request has no place for labels that castoff can reach', async () => {
    const before = stage.unlabelled.length;
    const query = `repo=${uniqueName()}&container=castoff-spec-none`;
    const answer = await request(`http://docker/commit?${query}`, { method: 'POST', dispatcher });
    await answer.body.dump();
    await stage.findSurvivors(() => false);
    expect(stage.unlabelled.slice(before)).toEqual([
      expect.stringContaining('POST /commit: fetch and undici'),
    ]);
  });
});

describe('requests of fetch and undici to other servers', () => {
  it('are sent unchanged', async () => {
    const server = createHttpServer((incoming, response) => {
      const { 'content-length': length = 'chunked' } = incoming.headers;
      void text(incoming).then((body) => response.end(JSON.stringify([length, body])));
    });
    const path = `${socketPath}.castoff-spec-${process.pid}`;
    await once(server.listen(path), 'listening');
    const other = new Agent({ connect: { socketPath: path } });
    const before = stage.entries().length;
    const answer = await request('http://docker/containers/create', { ...container, dispatcher: other });
    expect(await answer.body.json()).toEqual(['chunked', container.body]);
    await other.close();
    await new Promise((resolve) => server.close(resolve));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const fetched = await fetch(`http://127.0.0.1:${port}/containers/create`, container);
    expect(await fetched.json()).toEqual([String(container.body.length), container.body]);
    server.closeAllConnections();
    server.close();
    expect(stage.entries().length).toBe(before);
  });
});

it('a removal by fetch is awaited before castoff looks for what is left', async () => {
  await using engine = await openTcpEngine();
  const { Id } = (await (await fetch(`${engine.url}/containers/create`, container)).json()) as { Id: string };
  const removing = fetch(`${engine.url}/containers/${Id}?force=1`, { method: 'DELETE' });
  await stage.whenQuiet(Id);
  expect(await survivor()).toBeUndefined();
  expect((await removing).status).toBe(204);
});
