import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent, request, type IncomingMessage, type RequestOptions } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Duplex, type Readable } from 'node:stream';
import { buffer, json, text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import Docker from 'dockerode';
import { askEngine } from '../support/ask-engine';
import { printCalls } from '../support/fault-calls';
import { matching } from '../support/fault-pattern';
import { openFaultProxy, type FaultProxy } from '../support/fault-proxy';
import { decideBySeed } from '../support/fault-seed';
import { faultsOf, removalTarget, type RemovalTarget } from '../support/fault-table';
import { makeUndeletable } from '../support/fault-undeletable';

const image = 'castoff-spec/busybox:1';
const label = 'castoff-proxy-spec';
const direct = new Docker({ socketPath: '/var/run/docker.sock' });
let proxy: FaultProxy;
let docker: Docker;

beforeEach(async () => {
  proxy = await openFaultProxy();
  docker = new Docker({ socketPath: proxy.socketPath });
});

afterEach(async () => {
  await proxy.close();
  const filters = { label: [label] };
  const containers = await direct.listContainers({ all: true, filters });
  await Promise.all(containers.map(({ Id }) => direct.getContainer(Id).remove({ force: true, v: true })));
  const images = await direct.listImages({ filters });
  await Promise.all(images.map(({ Id }) => direct.getImage(Id).remove({ force: true })));
  const { Volumes } = await direct.listVolumes({ filters });
  await Promise.all(Volumes.map(({ Name }) => direct.getVolume(Name).remove()));
});

function createContainer(options: Partial<Docker.ContainerCreateOptions> = {}): Promise<Docker.Container> {
  return direct.createContainer({
    Image: image,
    Cmd: ['sleep', '600'],
    Labels: { [label]: '1' },
    ...options,
  });
}

/** It ends when its stdin does. */
function createCat(): Promise<Docker.Container> {
  return createContainer({ Cmd: ['cat'], OpenStdin: true, StdinOnce: true, AttachStdin: true });
}

async function startContainer(
  options: Partial<Docker.ContainerCreateOptions> = {},
): Promise<Docker.Container> {
  const container = await createContainer(options);
  await container.start();
  return container;
}

/** Resolves to the answer with its body unread; on a connection of its own, unless `options` say otherwise. */
function ask(
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

async function isThere({ id }: Docker.Container): Promise<boolean> {
  return (await askEngine(proxy.upstream, 'GET', `/containers/${id}/json`)).status === 200;
}

function hasEnded({ ended }: { readonly ended?: string }): boolean {
  return ended !== undefined;
}

function duplex(stream: NodeJS.ReadWriteStream): Duplex {
  if (stream instanceof Duplex) return stream;
  throw new TypeError('a hijacked connection expected');
}

/** Reads until `enough` says so of everything read so far, or until the stream ends; it can be read on. */
async function readUntil(stream: Readable, enough: RegExp): Promise<string> {
  let soFar = '';
  for await (const piece of stream.iterator({ destroyOnReturn: false })) {
    soFar += String(piece);
    if (enough.test(soFar)) break;
  }
  return soFar;
}

/** Sends one raw text after the other over one connection, each after the answer to the one before. */
async function converse(
  socketPath: string,
  turns: readonly (readonly [say: string, until: RegExp])[],
): Promise<string> {
  const socket = connect({ path: socketPath });
  let heard = '';
  for (const [say, until] of turns) {
    socket.write(say);
    heard += await readUntil(socket, until);
  }
  socket.destroy();
  return heard.replaceAll(/^Date: .*\r\n/gm, '');
}

describe('without a fault', () => {
  it('passes every byte of several answers over one kept connection', async () => {
    const turns = [
      ['HEAD /_ping HTTP/1.1\r\nHost: engine\r\n\r\n', /\r\n\r\n/],
      ['GET /v1.41/containers/nothing/json HTTP/1.1\r\nHost: engine\r\n\r\n', /\}\n/],
      ['GET /version HTTP/1.1\r\nHost: engine\r\n\r\n', /\}\n/],
      ['GET /events?since=1&until=2 HTTP/1.1\r\nHost: engine\r\n\r\n', /0\r\n\r\n/],
      ['POST /containers/nothing/stop HTTP/1.1\r\nHost: engine\r\nContent-Length: 2\r\n\r\n{}', /\}\n/],
      ['GET /_ping HTTP/1.1\r\nHost: engine\r\n\r\n', /OK$/],
    ] as const;

    expect(await converse(proxy.socketPath, turns)).toBe(await converse(proxy.upstream, turns));
    expect(proxy.calls.map(({ method, path, status, ended }) => [method, path, status, ended])).toEqual([
      ['HEAD', '/_ping', 200, 'answered'],
      ['GET', '/v1.41/containers/nothing/json', 404, 'answered'],
      ['GET', '/version', 200, 'answered'],
      ['GET', '/events?since=1&until=2', 200, 'answered'],
      ['POST', '/containers/nothing/stop', 404, 'answered'],
      ['GET', '/_ping', 200, 'answered'],
    ]);
  });

  it('passes calls whose bytes come one by one, or two calls at once', async () => {
    const call =
      'POST /containers/nothing/stop HTTP/1.1\r\nHost: e\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n';
    const slow = connect({ path: proxy.socketPath });
    for (const byte of call) await new Promise((written) => slow.write(byte, written));
    expect(await readUntil(slow, /\}\n/)).toContain('404 Not Found');
    slow.destroy();

    const pipelined = connect({ path: proxy.socketPath });
    pipelined.write(call + call);
    expect(await readUntil(pipelined, /\}\n[^]*\}\n/)).toMatch(/404 Not Found[^]*404 Not Found/);
    pipelined.destroy();
    expect(proxy.calls.map(({ status }) => status)).toEqual([404, 404, 404]);
  });

  it('passes events while their stream is open, and closes it at the engine when the client leaves', async () => {
    await using front = await openFaultProxy({ upstream: proxy.socketPath });
    const filters = encodeURIComponent(JSON.stringify({ label: [label] }));
    const events = await ask(front.socketPath, 'GET', `/events?filters=${filters}`);
    const container = await startContainer();
    expect(await readUntil(events, /"Action":"start"/)).toContain(container.id);
    expect(proxy.calls[0]).not.toHaveProperty('ended');

    events.destroy();
    expect(await proxy.until(hasEnded, 5_000)).toMatchObject({ ended: 'client-left' });
  });

  it('passes log lines as they come', async () => {
    const container = await startContainer({
      Cmd: ['sh', '-c', 'echo one; read x; echo $x'],
      OpenStdin: true,
    });
    const path = `/containers/${container.id}/logs?follow=1&stdout=1`;
    const logs = await ask(proxy.socketPath, 'GET', path);
    await readUntil(logs, /one\n/);
    const stdin = duplex(await container.attach({ stream: true, stdin: true, hijack: true }));
    stdin.write('two\n');
    expect(await text(logs)).toContain('two\n');
    stdin.destroy();
  });

  it('passes a hijacked attach both ways, and the end of stdin', async () => {
    const container = await createCat();
    const options = { stream: true, stdin: true, stdout: true, hijack: true };
    const stream = duplex(await docker.getContainer(container.id).attach(options));
    await container.start();
    stream.write('hello\n');
    expect(await readUntil(stream, /hello\n/)).toContain('hello\n');
    stream.end('bye\n');
    expect(await text(stream)).toContain('bye\n');
    expect(await container.wait()).toMatchObject({ StatusCode: 0 });
  });

  it('passes an attach that the engine hijacks without being asked for an upgrade', async () => {
    const container = await createCat();
    const path = `/v1.41/containers/${container.id}/attach?stream=1&stdin=1&stdout=1`;
    const socket = connect({ path: proxy.socketPath, allowHalfOpen: true });
    socket.write(`POST ${path} HTTP/1.1\r\nHost: e\r\n\r\n`);
    expect(await readUntil(socket, /\r\n\r\n/)).toMatch(/^HTTP\/1.1 200 OK[^]*raw-stream/);
    await container.start();
    socket.end('from stdin\n');
    expect(await text(socket)).toContain('from stdin\n');
    expect(await container.wait()).toMatchObject({ StatusCode: 0 });
  });

  it('passes the death of a SIGKILLed client on to the engine', async () => {
    const container = await createCat();
    const path = `/containers/${container.id}/attach?stream=1&stdin=1&stdout=1`;
    const hijack = `POST ${path} HTTP/1.1\r\nHost: e\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n`;
    const script = `
      const socket = require('node:net').connect(process.argv[1], () => socket.write(process.argv[2]));
      socket.pipe(process.stdout);`;
    const client = spawn(process.execPath, ['-e', script, proxy.socketPath, hijack]);
    expect(await readUntil(client.stdout, /\r\n\r\n/)).toContain('101 UPGRADED');
    await container.start();
    client.kill('SIGKILL');
    expect(await container.wait()).toMatchObject({ StatusCode: 0 });
    expect(await proxy.until(hasEnded, 5_000)).toMatchObject({ ended: 'client-left' });
  });

  it('passes an exec with its stdin', async () => {
    const { id } = await startContainer();
    const command = { Cmd: ['wc', '-c'], AttachStdin: true, AttachStdout: true };
    const exec = await docker.getContainer(id).exec(command);
    const stream = await exec.start({ hijack: true, stdin: true });
    stream.end(randomBytes(300_000));
    expect(await text(stream)).toContain('300000\n');
    expect(await exec.inspect()).toMatchObject({ ExitCode: 0 });
  });

  it('passes a build with its context, and an archive back', async () => {
    const content = randomBytes(5_000_000);
    const t = 'castoff-proxy-spec/built:1';
    const context = await mkdtemp(join(tmpdir(), 'castoff-proxy-spec-'));
    try {
      await writeFile(join(context, 'Dockerfile'), `FROM ${image}\nCOPY content /content\nCMD ["true"]\n`);
      await writeFile(join(context, 'content'), content);
      const src = ['Dockerfile', 'content'];
      const progress = await docker.buildImage({ context, src }, { t, labels: { [label]: '1' } });
      expect(await text(progress)).toContain('Successfully built');
    } finally {
      await rm(context, { recursive: true });
    }

    const { id } = await createContainer({ Image: t });
    const archive = await docker.getContainer(id).getArchive({ path: '/content' });
    expect((await buffer(archive)).includes(content)).toBe(true);
  });

  it('passes the 100 that a client waits for before it sends a body', async () => {
    const { id } = await createContainer();
    const path = `/containers/${id}/archive?path=/`;
    const headers = { Expect: '100-continue', 'Content-Type': 'application/x-tar', 'Content-Length': 1024 };
    const asking = request({ socketPath: proxy.socketPath, method: 'PUT', path, headers, agent: false });
    asking.flushHeaders();
    await once(asking, 'continue');
    asking.end(Buffer.alloc(1024));
    await once(asking, 'response');
    expect(await proxy.until(hasEnded, 5_000)).toMatchObject({ status: 200, ended: 'answered' });
    asking.destroy();
  });

  it('passes a wait for the removal, whose head comes long before its body', async () => {
    const container = await startContainer();
    const path = `/v1.41/containers/${container.id}/wait?condition=removed`;
    const answer = await ask(proxy.socketPath, 'POST', path);
    expect(await isThere(container)).toBe(true);
    await container.remove({ force: true });
    expect(await json(answer)).toEqual({ Error: null, StatusCode: 137 });
  });
});

describe('a fault', () => {
  it('answers in the name of the engine, which is not asked', async () => {
    const container = await createContainer();
    const fault = { type: 'answer', status: 500, message: 'boom' } as const;
    const rule = proxy.inject({ on: 'DELETE /containers/*', fault });
    const there = docker.getContainer(container.id);
    await expect(there.remove()).rejects.toMatchObject({ statusCode: 500, json: { message: 'boom' } });
    expect(rule.hits()).toBe(1);
    expect(await isThere(container)).toBe(true);

    await there.remove();
    expect(await isThere(container)).toBe(false);
    expect(proxy.calls.map(({ status }) => status)).toEqual([500, 204]);
  });

  it('pretends a success, with or without a body', async () => {
    const container = await createContainer();
    proxy.inject({ on: 'DELETE /containers/*', fault: { type: 'answer', status: 204 } });
    proxy.inject({ on: 'GET /containers/json', fault: { type: 'answer', status: 200, body: [] } });
    await docker.getContainer(container.id).remove();
    expect(await docker.listContainers({ all: true })).toEqual([]);
    expect(await isThere(container)).toBe(true);
  });

  it('leaves the connection usable after an answer of its own', async () => {
    proxy.inject({ on: 'PUT /containers/*/archive', fault: { type: 'answer', status: 503, message: 'no' } });
    proxy.inject({ on: 'POST /containers/*/stop', fault: { type: 'answer', status: 304 } });
    const heard = await converse(proxy.socketPath, [
      ['PUT /containers/x/archive HTTP/1.1\r\nHost: e\r\nContent-Length: 5\r\n\r\n12345', /\}\n/],
      ['POST /containers/x/stop HTTP/1.1\r\nHost: e\r\n\r\n', /\r\n\r\n/],
      ['GET /_ping HTTP/1.1\r\nHost: e\r\n\r\n', /OK$/],
    ]);
    expect(heard.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 503', 'HTTP/1.1 304', 'HTTP/1.1 200']);
  });

  it('delays a call, and then asks', async () => {
    const container = await createContainer();
    proxy.inject({ on: 'DELETE /containers/*', fault: { type: 'delay', ms: 300 } });
    const startedAtMs = performance.now();
    const removal = docker.getContainer(container.id).remove();
    await proxy.until('DELETE /containers/*', 5_000);
    expect(await isThere(container)).toBe(true);
    await removal;
    expect(performance.now() - startedAtMs).toBeGreaterThan(295);
    expect(await isThere(container)).toBe(false);
  });

  it('forgets a delayed call whose client has gone', async () => {
    const container = await createContainer();
    proxy.inject({ on: 'DELETE /containers/*', fault: { type: 'delay', ms: 200 } });
    proxy.inject({ on: 'GET /_ping', fault: { type: 'delay', ms: 300 } });
    const leaving = new AbortController();
    const removal = docker.getContainer(container.id).remove({ abortSignal: leaving.signal });
    await proxy.until('DELETE /containers/*', 5_000);
    leaving.abort();
    await expect(removal).rejects.toMatchObject({ code: 'ABORT_ERR' });
    expect(await proxy.until(hasEnded, 5_000)).toMatchObject({ ended: 'client-left' });
    await docker.ping();
    expect(await isThere(container)).toBe(true);
  });

  it('resets a call before the engine is asked', async () => {
    const container = await createContainer();
    proxy.inject({ on: 'DELETE /containers/*', fault: { type: 'reset' } });
    await expect(docker.getContainer(container.id).remove()).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(await isThere(container)).toBe(true);
    expect(proxy.calls[0]).toMatchObject({ ended: 'faulted' });
    expect(proxy.calls[0]).not.toHaveProperty('status');
  });

  it('loses the answer after the engine has acted', async () => {
    const container = await startContainer();
    proxy.inject({ on: 'DELETE /containers/*', fault: { type: 'lose-answer' } });
    const removal = docker.getContainer(container.id).remove({ force: true });
    await expect(removal).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(await isThere(container)).toBe(false);
    expect(proxy.calls[0]).toMatchObject({ status: 204, ended: 'faulted' });
  });

  it('reads a whole body before it loses the answer', async () => {
    const container = await startContainer();
    proxy.inject({ on: 'POST /containers/*/wait', fault: { type: 'lose-answer' } });
    const asking = ask(proxy.socketPath, 'POST', `/containers/${container.id}/wait`);
    const lost = Promise.allSettled([asking]);
    const call = await proxy.until(({ status }) => status === 200, 5_000);
    expect(call).not.toHaveProperty('ended');
    await container.kill();
    expect(await lost).toMatchObject([{ reason: { code: 'ECONNRESET' } }]);
    expect(call).toMatchObject({ ended: 'faulted' });
  });

  it('cuts an answer off behind its head', async () => {
    const container = await startContainer();
    proxy.inject({ on: 'POST /containers/*/wait', fault: { type: 'cut-answer' } });
    const answer = await ask(proxy.socketPath, 'POST', `/containers/${container.id}/wait`);
    expect(answer.statusCode).toBe(200);
    await expect(text(answer)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(proxy.calls[0]).toMatchObject({ status: 200, ended: 'faulted' });
  });

  it('never answers a call that it swallows, until it is closed', async () => {
    const container = await createContainer();
    proxy.inject({ on: 'DELETE /containers/*', fault: { type: 'swallow' } });
    const removal = Promise.allSettled([docker.getContainer(container.id).remove()]);
    const call = await proxy.until('DELETE /containers/*', 5_000);
    for (let asked = 0; asked < 20; asked += 1) await docker.ping();
    expect(call).not.toHaveProperty('ended');
    await proxy.close();
    expect(await removal).toMatchObject([{ reason: { code: 'ECONNRESET' } }]);
    expect(call).toMatchObject({ ended: 'faulted' });
    expect(await isThere(container)).toBe(true);
  });

  it('is chosen by the first rule that has one, until that is used up or removed', async () => {
    const agent = new Agent({ keepAlive: true });
    const askAgain = async (): Promise<number | undefined> => {
      const answer = await ask(proxy.socketPath, 'GET', '/v1.41/version', { agent });
      await text(answer);
      return answer.statusCode;
    };
    proxy.inject({ on: 'GET /version', fault: () => undefined });
    proxy.inject({ on: ['GET /info', 'GET /version'], fault: { type: 'answer', status: 500 }, times: 2 });
    const last = proxy.inject({
      on: '* **',
      fault: (_asked, nth) => ({ type: 'answer', status: 500 + nth }),
      times: Infinity,
    });

    expect([await askAgain(), await askAgain(), await askAgain(), await askAgain()]).toEqual([
      500, 500, 501, 502,
    ]);
    last.remove();
    expect(await askAgain()).toBe(200);
    agent.destroy();
  });

  it('is needless where no engine listens: the client is reset', async () => {
    await using away = await openFaultProxy({ upstream: '/nowhere/engine.sock' });
    const ping = ask(away.socketPath, 'GET', '/_ping');
    await expect(ping).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(away.calls[0]).toMatchObject({ ended: 'engine-left' });
  });
});

describe('a pattern', () => {
  it.each([
    ['DELETE /containers/*', 'DELETE', '/v1.41/containers/abc?force=1', true],
    ['DELETE /containers/*', 'DELETE', '/containers/abc', true],
    ['DELETE /containers/*', 'GET', '/containers/abc', false],
    ['GET /containers/*', 'GET', '/containers/abc/json', false],
    ['GET /containers/**', 'GET', '/containers/abc/json', true],
    ['* /images/**', 'DELETE', '/images/castoff-spec/busybox:1', true],
    ['DELETE /images/a/b:1', 'DELETE', '/v1.41/images/a/b%3A1', true],
    ['DELETE /images/a.b', 'DELETE', '/images/aXb', false],
    [
      'POST /containers/*/wait?condition=removed',
      'POST',
      '/v1.41/containers/a/wait?x=1&condition=removed',
      true,
    ],
    ['POST /containers/*/wait?condition=removed', 'POST', '/v1.41/containers/a/wait', false],
  ])('%s fits %s %s: %s', (pattern, method, path, expected) => {
    expect(matching(pattern)({ method, path })).toBe(expected);
  });

  it('is refused when it is not METHOD /path', () => {
    const reset = { type: 'reset' } as const;
    expect(() => proxy.inject({ on: '/containers/*', fault: reset })).toThrow('METHOD /path expected');
  });
});

describe('a seed', () => {
  it('disturbs the same calls in the same way again, and another seed others', async () => {
    const [first, again, other] = [await faultsBySeed(7), await faultsBySeed(7), await faultsBySeed(8)];
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
    expect(new Set(first)).toEqual(new Set(['reset', 'lose-answer', 'answer', undefined]));
  });

  it('leaves alone what streams, hijacks, builds, creates or starts', async () => {
    proxy.seed(1, { rate: 1, faults: [{ type: 'reset' }] });
    expect(await text(await docker.getEvents({ since: 1, until: 2 }))).toBe('');
    const container = await docker.createContainer({ Image: image, Labels: { [label]: '1' } });
    await container.start();
    await expect(container.inspect()).rejects.toMatchObject({ code: 'ECONNRESET' });
    await expect(container.remove({ force: true })).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  it('keeps to its rate, and uses each of its faults', () => {
    const types = Array.from(
      { length: 4_000 },
      (_, nth) => decideBySeed(42, nth, { rate: 0.4 })?.type ?? 'none',
    );
    const share = (type: string) => types.filter((each) => each === type).length / types.length;
    expect(share('none')).toBeCloseTo(0.6, 1);
    for (const type of ['answer', 'delay', 'reset', 'lose-answer']) expect(share(type)).toBeCloseTo(0.1, 1);
  });

  it('is told with the calls that it disturbed', async () => {
    proxy.seed(3, { rate: 1, faults: [{ type: 'answer', status: 500 }] });
    await expect(docker.listContainers()).rejects.toMatchObject({ statusCode: 500 });
    await docker.ping();
    expect(printCalls(proxy.calls)).toMatch(
      /^ {2}\d+ ms GET \/containers\/json {"type":"answer","status":500} 500 answered\n {2}\d+ ms GET \/_ping 200 answered$/,
    );
  });
});

async function faultsBySeed(seed: number): Promise<readonly unknown[]> {
  await using seeded = await openFaultProxy();
  const faults = [{ type: 'reset' }, { type: 'lose-answer' }, { type: 'answer', status: 500 }] as const;
  seeded.seed(seed, { rate: 0.5, faults });
  for (let nth = 0; nth < 20; nth += 1) {
    await Promise.allSettled([ask(seeded.socketPath, 'GET', '/containers/json')]);
    (await ask(seeded.socketPath, 'GET', '/_ping')).resume();
  }
  return seeded.calls.filter(matching('GET /containers/json')).map(({ fault }) => fault?.type);
}

describe('waiting for a call', () => {
  it('sees those that came before', async () => {
    await docker.ping();
    expect(await proxy.until('GET /_ping', 0)).toBe(proxy.calls[0]);
  });

  it('gives up after its time, and tells what came instead', async () => {
    await docker.ping();
    const waiting = proxy.until('DELETE /containers/*', 20);
    await expect(waiting).rejects.toThrow(/no call like DELETE \/containers\/\* within 20 ms.*\n.*_ping/);
  });

  it('ends when the proxy is closed', async () => {
    const waiting = Promise.allSettled([proxy.until('DELETE **', 60_000)]);
    await proxy.close();
    expect(await waiting).toMatchObject([{ reason: { message: 'the proxy was closed' } }]);
  });
});

it('resets what is open and removes its folder when it is closed, once for every caller', async () => {
  const events = await ask(proxy.socketPath, 'GET', '/events');
  await Promise.all([proxy.close(), proxy.close(), proxy[Symbol.asyncDispose]()]);
  expect(existsSync(dirname(proxy.socketPath))).toBe(false);
  await expect(text(events)).rejects.toMatchObject({ code: 'ECONNRESET' });
});

describe('the fault table', () => {
  const volume = removalTarget('volume', 'castoff-proxy-spec');
  const askedOnce = faultsOf(volume).filter(({ asked }) => asked === 'once');

  it.each(askedOnce)('leaves a volume $leaves: $name', async (row) => {
    await direct.createVolume({ Name: volume.ref, Labels: { [label]: '1' } });
    const armed = await row.arm(proxy, volume);
    expect(await removeCarefully(volume)).toBe(row.leaves);
    const [first] = proxy.calls;
    expect(first?.fault !== undefined || first?.status === 404).toBe(true);

    await armed.disarm();
    expect(await removeCarefully(volume)).toBe('gone');
    expect(proxy.calls.at(-1)).not.toHaveProperty('fault');
  });

  it('shows a container as dead between two removals, and as it is before and after', async () => {
    const { id } = await startContainer();
    const target = removalTarget('container', id);
    const row = faultsOf(target).find(({ name }) => name === '409 in progress, then dead');
    const armed = await row?.arm(proxy, target);
    const there = docker.getContainer(id);
    expect((await there.inspect()).State.Status).toBe('running');
    await expect(there.remove({ force: true })).rejects.toMatchObject({
      statusCode: 409,
      json: { message: `removal of container ${id} is already in progress` },
    });
    expect(await there.wait({ condition: 'removed' })).toMatchObject({
      Error: { Message: expect.any(String) },
    });
    expect((await there.inspect()).State).toMatchObject({ Status: 'dead', Dead: true });
    await there.remove({ force: true });
    await expect(there.inspect()).rejects.toMatchObject({ statusCode: 404 });
    await armed?.disarm();
  });

  it('has rows for every kind, and none that an engine has no words for', () => {
    expect(rowNames(removalTarget('container', 'x'))).toContain('409 in progress, then dead');
    expect(rowNames(removalTarget('container', 'x', 'podman'))).not.toContain('409 in progress, then dead');
    expect(rowNames(removalTarget('network', 'x'))).toContain('busy, then gone');
    expect(rowNames(removalTarget('image', 'x/y:1'))).toContain('twice at once');
  });
});

function rowNames(target: RemovalTarget): readonly string[] {
  return faultsOf(target).map(({ name }) => name);
}

/** What a careful client does: asks until it is told that there is none, six times at most, for 300 ms each. */
async function removeCarefully({ path }: RemovalTarget): Promise<'gone' | 'there'> {
  for (let attempt = 0; attempt < 6; attempt += 1) {
    const signal = AbortSignal.timeout(300);
    const [asked] = await Promise.allSettled([ask(proxy.socketPath, 'DELETE', path, { signal })]);
    if (asked.status === 'rejected') continue;
    asked.value.resume();
    if (asked.value.statusCode === 404) break;
  }
  const { status } = await askEngine(proxy.upstream, 'GET', path);
  return status === 404 ? 'gone' : 'there';
}

it('makes a container undeletable for real, and undoes it', async () => {
  const { id } = await startContainer();
  const there = docker.getContainer(id);
  {
    await using undeletable = await makeUndeletable(proxy.upstream, id);
    const waiting = there.wait({ condition: 'removed' });
    await proxy.until(({ status }) => status === 200, 5_000);
    await expect(there.remove({ force: true })).rejects.toMatchObject({ statusCode: 500 });
    expect(await waiting).toMatchObject({ Error: { Message: expect.stringContaining('not permitted') } });
    expect((await there.inspect()).State.Status).toBe('dead');
    expect(undeletable).toBeDefined();
  }
  await there.remove({ force: true });
});
