import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer as createHttpServer, request, type IncomingMessage } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setImmediate, setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import Docker from 'dockerode';
import { CastoffError } from '../../lib/core/errors';
import { sessionIdentity } from '../../lib/registry/session-identity';
import { archiveOf, inMemory } from '../../lib/lease/archive';
import { runInStart } from '../../lib/scope/start-context';
import type { FaultProxy } from '../support/fault-proxy';
import { inATest, stageOfFile } from '../support/capture-stage';
import { rejectionOf } from '../support/rejection';
import { specImage } from '../support/spec-image';
import { docker, exists, uniqueName } from '../support/things';
import { openProxyForAll } from '../support/through-proxy';
import { until } from '../support/until';

let proxy: FaultProxy;
let ready: () => Promise<void>;
/** The user's client. */
let dockerode: Docker;

const stage = stageOfFile({ ready: () => ready() });

beforeAll(async () => {
  proxy = await openProxyForAll();
  dockerode = new Docker({ socketPath: proxy.socketPath });
});
afterEach(async () => {
  stage.attributeTo(inATest);
  ready = async () => undefined;
});
afterAll(async () => {
  await proxy.close();
});

ready = async () => undefined;

const creates = () =>
  proxy.calls.filter(({ method, path }) => method === 'POST' && path.includes('/create')).length;
const lastEntry = () => stage.entries().at(-1);

describe('create requests', () => {
  it('sends a create request only when the run is ready', async () => {
    const gate = Promise.withResolvers<void>();
    ready = () => gate.promise;
    const before = { creates: creates(), readyCalls: stage.readyCalls(), entries: stage.entries().length };
    const creating = dockerode.createContainer({ Image: specImage });
    expect(await until(() => stage.readyCalls() > before.readyCalls)).toBe(true);
    await setImmediate();
    expect([creates(), stage.entries().length]).toEqual([before.creates, before.entries]);
    gate.resolve();
    const { id } = await creating;
    expect(lastEntry()).toMatchObject({ id, state: 'present' });
  });

  it('fails a create request with the error of a run that fails to get ready', async () => {
    const refusal = new CastoffError('REAPER_UNAVAILABLE', 'take a lease: no reaper');
    ready = () => Promise.reject(refusal);
    const before = { creates: creates(), entries: stage.entries().length };
    expect(await rejectionOf(dockerode.createContainer({ Image: specImage }))).toBe(refusal);
    expect([creates(), stage.entries().length]).toEqual([before.creates, before.entries]);
  });

  it('registers a resource before the engine receives its create request', async () => {
    let stateAtRequest: unknown;
    const name = uniqueName();
    const rule = proxy.inject({
      on: 'POST /containers/create',
      fault: () => {
        stateAtRequest = stage.entries().find((entry) => entry.name === name)?.state;
        return undefined;
      },
    });
    await dockerode.createContainer({ Image: specImage, name });
    rule.remove();
    expect(stateAtRequest).toBe('registered');
  });

  it('leaves create requests outside the run unchanged', async () => {
    stage.attributeTo(undefined);
    const before = stage.entries().length;
    const container = await dockerode.createContainer({ Image: specImage });
    const { Labels } = (await container.inspect()).Config;
    await container.remove();
    expect(Object.keys(Labels)).not.toContain('castoff.session');
    expect(stage.entries().length).toBe(before);
  });

  it('marks a resource as never created when the engine rejects its create request', async () => {
    const name = uniqueName();
    const first = await dockerode.createContainer({ Image: specImage, name });
    expect(await rejectionOf(dockerode.createContainer({ Image: specImage, name }))).toMatchObject({
      statusCode: 409,
    });
    expect(lastEntry()).toMatchObject({ name, state: 'gone', outcome: 'never-created' });
    expect(stage.entries().at(-2)).toMatchObject({ id: first.id, state: 'present' });
  });

  it('marks a resource as never created when the engine fails', async () => {
    proxy.inject({
      on: 'POST /networks/create',
      fault: { type: 'answer', status: 500, message: 'out of addresses' },
    });
    const creating = dockerode.createNetwork({ Name: uniqueName() });
    expect(await rejectionOf(creating)).toMatchObject({ statusCode: 500 });
    expect(lastEntry()).toMatchObject({ kind: 'network', state: 'gone', outcome: 'never-created' });
  });

  it('marks an image as never created when its build fails', async () => {
    const dockerfile = 'FROM castoff-spec/no-such-image:1\n';
    // Engines report the missing base image in the response's status or in its stream.
    const output = await dockerode
      .buildImage(Readable.from(await archive('Dockerfile', dockerfile)), { t: uniqueName() })
      .catch(() => undefined);
    if (output !== undefined) await text(output as Readable);
    expect(lastEntry()).toMatchObject({ kind: 'image', state: 'gone', outcome: 'never-created' });
  });

  it('finds a resource by its label when the response is lost', async () => {
    proxy.inject({ on: 'POST /containers/create', fault: { type: 'lose-answer' } });
    await rejectionOf(dockerode.createContainer({ Image: specImage }));
    const { key } = lastEntry()!;
    expect(lastEntry()).toMatchObject({ state: 'registered' });
    expect(lastEntry()?.id).toBeUndefined();
    const [survivor] = await stage.findSurvivors((entry) => entry.key === key);
    expect(survivor).toMatchObject({ state: 'present' });
    expect(await exists('container', survivor?.id ?? '')).toBe(true);
  });

  it('marks a resource as never created when the response is lost and nothing carries its label', async () => {
    proxy.inject({ on: 'POST /containers/create', fault: { type: 'reset' } });
    await rejectionOf(dockerode.createContainer({ Image: specImage }));
    const { key } = lastEntry()!;
    expect(await stage.findSurvivors((entry) => entry.key === key)).toEqual([]);
    expect(lastEntry()).toMatchObject({ key, state: 'gone', outcome: 'never-created' });
  });

  it('does not send a create request that is aborted while waiting for the run', async () => {
    const gate = Promise.withResolvers<void>();
    ready = () => gate.promise;
    const before = { creates: creates(), readyCalls: stage.readyCalls(), entries: stage.entries().length };
    const leaving = new AbortController();
    const creating = rejectionOf(
      dockerode.createContainer({ Image: specImage, abortSignal: leaving.signal }),
    );
    expect(await until(() => stage.readyCalls() > before.readyCalls)).toBe(true);
    leaving.abort();
    expect(await creating).toMatchObject({ name: 'AbortError' });
    gate.resolve();
    await setImmediate();
    expect([creates(), stage.entries().length]).toEqual([before.creates, before.entries]);
  });

  it('adds the labels of a scope’s start without registering the resource again', async () => {
    const before = { entries: stage.entries().length, readyCalls: stage.readyCalls() };
    const labels = { 'castoff.session': sessionIdentity().id, 'castoff.start': '00000000deadbeef' };
    const network = await runInStart({ key: '00000000deadbeef', labels }, () =>
      dockerode.createNetwork({ Name: uniqueName(), Labels: { mine: 'kept' } }),
    );
    expect((await network.inspect()).Labels).toEqual({
      ...labels,
      mine: 'kept',
      'castoff.kind': 'network',
      'castoff.nonce': expect.stringMatching(/^[0-9a-f]{16}$/),
    });
    expect([stage.entries().length, stage.readyCalls()]).toEqual([before.entries, before.readyCalls]);
  });

  it('sends a body longer than the buffer completely and in order', async () => {
    const gate = Promise.withResolvers<void>();
    ready = () => gate.promise;
    const readyCalls = stage.readyCalls();
    const files = await archive('big', 'x'.repeat(3_000_000));
    const repo = uniqueName();
    const importing = dockerode.importImage(Readable.from(chunksOf(files, 10_000)), { repo, tag: '1' });
    expect(await until(() => stage.readyCalls() > readyCalls)).toBe(true);
    gate.resolve();
    await text((await importing) as Readable);
    const { Size, Config } = await docker.getImage(`${repo}:1`).inspect();
    expect(Size).toBe(3_000_000);
    expect(Config.Labels['castoff.start']).toBe(lastEntry()?.key);
  });

  it('leaves a create request unchanged when its headers were already sent', async () => {
    const before = stage.entries().length;
    const responded = Promise.withResolvers<IncomingMessage>();
    const body = JSON.stringify({ Name: uniqueName() });
    const options = { socketPath: proxy.socketPath, path: '/networks/create', method: 'POST' };
    const headers = {
      'Content-Type': 'application/json',
      'Content-Length': body.length,
      Expect: '100-continue',
    };
    const outgoing = request({ ...options, headers }, responded.resolve);
    outgoing.once('continue', () => outgoing.end(body));
    const { Id } = JSON.parse(await text(await responded.promise)) as { Id: string };
    await docker.getNetwork(Id).remove();
    expect(stage.entries().length).toBe(before);
  });

  it('calls the write callbacks of a paused request, and leaves the response to its reader', async () => {
    const called: string[] = [];
    const responded = Promise.withResolvers<IncomingMessage>();
    const body = JSON.stringify({ Image: specImage });
    const options = { socketPath: proxy.socketPath, path: '/containers/create', method: 'POST' };
    const headers = { 'Content-Type': 'application/json' };
    const outgoing = request({ ...options, headers }, responded.resolve);
    outgoing.on('finish', () => called.push('finish'));
    outgoing.write(body.slice(0, 5), () => called.push('first'));
    await setImmediate();
    outgoing.end(body.slice(5), () => called.push('end'));
    const response = await responded.promise;
    const entry = lastEntry();
    // The unread response stays paused.
    await delay(50);
    const { Id } = JSON.parse(await text(response)) as { Id: string };
    expect(called.toSorted()).toEqual(['end', 'finish', 'first']);
    expect(lastEntry()).toMatchObject({ key: entry?.key, id: Id, state: 'present' });
  });
});

describe('requests to other servers', () => {
  it('sends a request to another server unchanged, even if its path is that of a create request', async () => {
    const sent = async (): Promise<string> => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const received = receive(server);
      await postInPieces({
        host: '127.0.0.1',
        port,
        path: '/containers/create?name=db',
        method: 'POST',
        agent: false,
      });
      server.close();
      return (await received).replaceAll(String(port), 'PORT');
    };
    const before = { readyCalls: stage.readyCalls(), entries: stage.entries().length };
    const captured = await sent();
    stage.attributeTo(undefined);
    expect(captured).toBe(await sent());
    expect(captured).toContain('{"Image":');
    expect({ readyCalls: stage.readyCalls(), entries: stage.entries().length }).toEqual(before);
  });

  it('leaves requests to another unix socket unchanged', async () => {
    const server = createHttpServer(
      (incoming, response) => void text(incoming).then((body) => response.end(body)),
    );
    const socketPath = `${proxy.socketPath}.other`;
    server.listen(socketPath);
    await once(server, 'listening');
    const responded = Promise.withResolvers<IncomingMessage>();
    request({ socketPath, path: '/containers/create', method: 'POST', agent: false }, responded.resolve).end(
      '{"Image":"x"}',
    );
    expect(await text(await responded.promise)).toBe('{"Image":"x"}');
    server.close();
    await rm(socketPath, { force: true });
  });
});

async function postInPieces(options: object): Promise<void> {
  const responded = Promise.withResolvers<IncomingMessage>();
  const outgoing = request(options, responded.resolve);
  outgoing.write('{"Image":');
  outgoing.write('"x"');
  await setImmediate();
  outgoing.write(',"Labels":');
  await delay(20);
  outgoing.end('{}}');
  (await responded.promise).resume();
}

/** Resolves to everything that the first client of `server` sends up to its last chunk, then responds. */
function receive(server: ReturnType<typeof createServer>): Promise<string> {
  return new Promise((resolve) => {
    server.once('connection', (client) => {
      let all = '';
      client.on('data', (chunk: Buffer) => {
        all += chunk.toString();
        if (!all.endsWith('0\r\n\r\n')) return;
        client.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
        resolve(all);
      });
    });
  });
}

function* chunksOf(bytes: readonly Buffer[], size: number): Generator<Buffer> {
  const all = Buffer.concat(bytes);
  for (let at = 0; at < all.length; at += size) yield all.subarray(at, at + size);
}

async function archive(name: string, content: string): Promise<readonly Buffer[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of archiveOf([inMemory(`/${name}`, Buffer.from(content))]))
    chunks.push(chunk as Buffer);
  return chunks;
}
