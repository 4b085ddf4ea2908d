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
import { tarOf } from '../../lib/lease/tar';
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

describe('a request that creates', () => {
  it('goes out when the run is ready, and not before', async () => {
    const gate = Promise.withResolvers<void>();
    ready = () => gate.promise;
    const before = { creates: creates(), asked: stage.readyCalls(), entries: stage.entries().length };
    const creating = dockerode.createContainer({ Image: specImage });
    expect(await until(() => stage.readyCalls() > before.asked, 2_000)).toBe(true);
    await setImmediate();
    expect([creates(), stage.entries().length]).toEqual([before.creates, before.entries]);
    gate.resolve();
    const { id } = await creating;
    expect(lastEntry()).toMatchObject({ id, state: 'present' });
  });

  it('fails with the error of a run that cannot be made ready, and never reaches the engine', async () => {
    const refusal = new CastoffError('REAPER_UNAVAILABLE', 'take a lease: nobody can');
    ready = () => Promise.reject(refusal);
    const before = { creates: creates(), entries: stage.entries().length };
    expect(await rejectionOf(dockerode.createContainer({ Image: specImage }))).toBe(refusal);
    expect([creates(), stage.entries().length]).toEqual([before.creates, before.entries]);
  });

  it('is on disk, and noted, before the engine hears of it', async () => {
    let noted: unknown;
    const name = uniqueName();
    const rule = proxy.inject({
      on: 'POST /containers/create',
      fault: () => {
        noted = stage.entries().find((entry) => entry.name === name)?.state;
        return undefined;
      },
    });
    await dockerode.createContainer({ Image: specImage, name });
    rule.remove();
    expect(noted).toBe('registered');
  });

  it('is left as it is where it is nobody’s business', async () => {
    stage.attributeTo(undefined);
    const before = stage.entries().length;
    const container = await dockerode.createContainer({ Image: specImage });
    const { Labels } = (await container.inspect()).Config;
    await container.remove();
    expect(Object.keys(Labels)).not.toContain('castoff.session');
    expect(stage.entries().length).toBe(before);
  });

  it('leaves nothing open when the engine refuses it', async () => {
    const name = uniqueName();
    const first = await dockerode.createContainer({ Image: specImage, name });
    expect(await rejectionOf(dockerode.createContainer({ Image: specImage, name }))).toMatchObject({
      statusCode: 409,
    });
    expect(lastEntry()).toMatchObject({ name, state: 'gone', outcome: 'never-created' });
    expect(stage.entries().at(-2)).toMatchObject({ id: first.id, state: 'present' });
  });

  it('leaves nothing open when the engine fails', async () => {
    proxy.inject({
      on: 'POST /networks/create',
      fault: { type: 'answer', status: 500, message: 'out of addresses' },
    });
    const creating = dockerode.createNetwork({ Name: uniqueName() });
    expect(await rejectionOf(creating)).toMatchObject({ statusCode: 500 });
    expect(lastEntry()).toMatchObject({ kind: 'network', state: 'gone', outcome: 'never-created' });
  });

  it('leaves nothing open when a build breaks off', async () => {
    const dockerfile = 'FROM castoff-spec/no-such-image:1\n';
    const output = await dockerode
      .buildImage(Readable.from(await archive('Dockerfile', dockerfile)), { t: uniqueName() })
      .catch(() => undefined);
    if (output !== undefined) await text(output as Readable);
    expect(lastEntry()).toMatchObject({ kind: 'image', state: 'gone', outcome: 'never-created' });
  });

  it('is found by its label where its answer is lost', async () => {
    proxy.inject({ on: 'POST /containers/create', fault: { type: 'lose-answer' } });
    await rejectionOf(dockerode.createContainer({ Image: specImage }));
    const { key } = lastEntry()!;
    expect(lastEntry()).toMatchObject({ state: 'registered' });
    expect(lastEntry()?.id).toBeUndefined();
    const [survivor] = await stage.findSurvivors((entry) => entry.key === key);
    expect(survivor).toMatchObject({ state: 'present' });
    expect(await exists('container', survivor?.id ?? '')).toBe(true);
  });

  it('counts as never made where its answer is lost and nothing carries its label', async () => {
    proxy.inject({ on: 'POST /containers/create', fault: { type: 'reset' } });
    await rejectionOf(dockerode.createContainer({ Image: specImage }));
    const { key } = lastEntry()!;
    expect(await stage.findSurvivors((entry) => entry.key === key)).toEqual([]);
    expect(lastEntry()).toMatchObject({ key, state: 'gone', outcome: 'never-created' });
  });

  it('is never sent when it is given up while it waits', async () => {
    const gate = Promise.withResolvers<void>();
    ready = () => gate.promise;
    const before = { creates: creates(), asked: stage.readyCalls(), entries: stage.entries().length };
    const leaving = new AbortController();
    const creating = rejectionOf(
      dockerode.createContainer({ Image: specImage, abortSignal: leaving.signal }),
    );
    expect(await until(() => stage.readyCalls() > before.asked, 2_000)).toBe(true);
    leaving.abort();
    expect(await creating).toMatchObject({ name: 'AbortError' });
    gate.resolve();
    await setImmediate();
    expect([creates(), stage.entries().length]).toEqual([before.creates, before.entries]);
  });

  it('of a scope’s start carries the labels of that start, and is not registered again', async () => {
    const before = { entries: stage.entries().length, asked: stage.readyCalls() };
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
    expect([stage.entries().length, stage.readyCalls()]).toEqual([before.entries, before.asked]);
  });

  it('keeps the order and the end of a body that is longer than what is held', async () => {
    const gate = Promise.withResolvers<void>();
    ready = () => gate.promise;
    const asked = stage.readyCalls();
    const files = await archive('big', 'x'.repeat(3_000_000));
    const repo = uniqueName();
    const importing = dockerode.importImage(Readable.from(chunksOf(files, 10_000)), { repo, tag: '1' });
    expect(await until(() => stage.readyCalls() > asked, 2_000)).toBe(true);
    gate.resolve();
    await text((await importing) as Readable);
    const { Size, Config } = await docker.getImage(`${repo}:1`).inspect();
    expect(Size).toBe(3_000_000);
    expect(Config.Labels['castoff.start']).toBe(lastEntry()?.key);
  });

  it('is left as it is where its head is written already', async () => {
    const before = stage.entries().length;
    const answer = Promise.withResolvers<IncomingMessage>();
    const body = JSON.stringify({ Name: uniqueName() });
    const options = { socketPath: proxy.socketPath, path: '/networks/create', method: 'POST' };
    const headers = {
      'Content-Type': 'application/json',
      'Content-Length': body.length,
      Expect: '100-continue',
    };
    const asking = request({ ...options, headers }, answer.resolve);
    asking.once('continue', () => asking.end(body));
    const { Id } = JSON.parse(await text(await answer.promise)) as { Id: string };
    await docker.getNetwork(Id).remove();
    expect(stage.entries().length).toBe(before);
  });

  it('is heard by its callbacks in their order, and its answer is read by its reader alone', async () => {
    const heard: string[] = [];
    const answer = Promise.withResolvers<IncomingMessage>();
    const body = JSON.stringify({ Image: specImage });
    const options = { socketPath: proxy.socketPath, path: '/v1.41/containers/create', method: 'POST' };
    const headers = { 'Content-Type': 'application/json' };
    const asking = request({ ...options, headers }, answer.resolve);
    asking.on('finish', () => heard.push('finish'));
    asking.write(body.slice(0, 5), () => heard.push('first'));
    await setImmediate();
    asking.end(body.slice(5), () => heard.push('end'));
    const response = await answer.promise;
    const entry = lastEntry();
    // Nobody has begun to read: it has not flowed away.
    await delay(50);
    const { Id } = JSON.parse(await text(response)) as { Id: string };
    expect(heard.toSorted()).toEqual(['end', 'finish', 'first']);
    expect(lastEntry()).toMatchObject({ key: entry?.key, id: Id, state: 'present' });
  });
});

describe('a request to another server', () => {
  it('is untouched, byte for byte, though its path is an engine’s', async () => {
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
    const before = { asked: stage.readyCalls(), entries: stage.entries().length };
    const watched = await sent();
    stage.attributeTo(undefined);
    expect(watched).toBe(await sent());
    expect(watched).toContain('{"Image":');
    expect({ asked: stage.readyCalls(), entries: stage.entries().length }).toEqual(before);
  });

  it('is answered as ever on another unix socket', async () => {
    const server = createHttpServer((asked, answer) => void text(asked).then((body) => answer.end(body)));
    const socketPath = `${proxy.socketPath}.other`;
    server.listen(socketPath);
    await once(server, 'listening');
    const answer = Promise.withResolvers<IncomingMessage>();
    request({ socketPath, path: '/containers/create', method: 'POST', agent: false }, answer.resolve).end(
      '{"Image":"x"}',
    );
    expect(await text(await answer.promise)).toBe('{"Image":"x"}');
    server.close();
    await rm(socketPath, { force: true });
  });
});

async function postInPieces(options: object): Promise<void> {
  const answer = Promise.withResolvers<IncomingMessage>();
  const asking = request(options, answer.resolve);
  asking.write('{"Image":');
  asking.write('"x"');
  await setImmediate();
  asking.write(',"Labels":');
  await delay(20);
  asking.end('{}}');
  (await answer.promise).resume();
}

/** All that the first client of `server` sends, until it has sent the end of its chunks; it is answered then. */
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
  const file = { path: `/${name}`, sizeBytes: content.length, content: [Buffer.from(content)] };
  const chunks: Buffer[] = [];
  for await (const chunk of tarOf([file])) chunks.push(Buffer.from(chunk));
  return chunks;
}
