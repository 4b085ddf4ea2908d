import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Duplex } from 'node:stream';
import { buffer, json, text } from 'node:stream/consumers';
import { describe, expect, it } from '@jest/globals';
import type Docker from 'dockerode';
import { converse } from '../support/converse';
import { openFaultProxy } from '../support/fault-proxy';
import {
  ask,
  createContainer,
  hasEnded,
  image,
  isThere,
  label,
  openProxyForEach,
  readUntil,
  startContainer,
} from '../support/fault-proxy-stage';

const stage = openProxyForEach();

/** Ends when its stdin ends. */
function createCat(): Promise<Docker.Container> {
  return createContainer({ Cmd: ['cat'], OpenStdin: true, StdinOnce: true, AttachStdin: true });
}

function duplex(stream: NodeJS.ReadWriteStream): Duplex {
  if (stream instanceof Duplex) return stream;
  throw new TypeError('a hijacked connection expected');
}

describe('without a fault', () => {
  it('passes every byte of several answers over one kept connection', async () => {
    const turns = [
      ['HEAD /_ping HTTP/1.1\r\nHost: engine\r\n\r\n', /\r\n\r\n/],
      ['GET /containers/nothing/json HTTP/1.1\r\nHost: engine\r\n\r\n', /\}\n/],
      ['GET /version HTTP/1.1\r\nHost: engine\r\n\r\n', /\}\n/],
      ['GET /events?since=1&until=2 HTTP/1.1\r\nHost: engine\r\n\r\n', /0\r\n\r\n/],
      ['POST /containers/nothing/stop HTTP/1.1\r\nHost: engine\r\nContent-Length: 2\r\n\r\n{}', /\}\n/],
      ['GET /_ping HTTP/1.1\r\nHost: engine\r\n\r\n', /OK$/],
    ] as const;

    expect(await converse(stage.proxy.socketPath, turns)).toBe(await converse(stage.proxy.upstream, turns));
    expect(stage.proxy.calls.map(({ method, path, status, ended }) => [method, path, status, ended])).toEqual(
      [
        ['HEAD', '/_ping', 200, 'answered'],
        ['GET', '/containers/nothing/json', 404, 'answered'],
        ['GET', '/version', 200, 'answered'],
        ['GET', '/events?since=1&until=2', 200, 'answered'],
        ['POST', '/containers/nothing/stop', 404, 'answered'],
        ['GET', '/_ping', 200, 'answered'],
      ],
    );
  });

  it('passes calls whose bytes come one by one, or two calls at once', async () => {
    const call =
      'POST /containers/nothing/stop HTTP/1.1\r\nHost: e\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n';
    const slow = connect({ path: stage.proxy.socketPath });
    for (const byte of call) await new Promise((written) => slow.write(byte, written));
    expect(await readUntil(slow, /\}\n/)).toContain('404 Not Found');
    slow.destroy();

    const pipelined = connect({ path: stage.proxy.socketPath });
    pipelined.write(call + call);
    expect(await readUntil(pipelined, /\}\n[^]*\}\n/)).toMatch(/404 Not Found[^]*404 Not Found/);
    pipelined.destroy();
    expect(stage.proxy.calls.map(({ status }) => status)).toEqual([404, 404, 404]);
  });

  it('passes events while their stream is open, and closes it at the engine when the client disconnects', async () => {
    await using front = await openFaultProxy({ upstream: stage.proxy.socketPath });
    const filters = encodeURIComponent(JSON.stringify({ label: [label] }));
    const events = await ask(front.socketPath, 'GET', `/events?filters=${filters}`);
    const container = await createContainer();
    expect(await readUntil(events, /"Action":"create"/)).toContain(container.id);
    expect(stage.proxy.calls[0]).not.toHaveProperty('ended');

    events.destroy();
    expect(await stage.proxy.until(hasEnded)).toMatchObject({ ended: 'client-left' });
  });

  it('passes log lines as they arrive', async () => {
    const container = await startContainer({
      Cmd: ['sh', '-c', 'echo one; read x; echo $x'],
      OpenStdin: true,
    });
    const path = `/containers/${container.id}/logs?follow=1&stdout=1`;
    const logs = await ask(stage.proxy.socketPath, 'GET', path);
    await readUntil(logs, /one\n/);
    const stdin = duplex(await container.attach({ stream: true, stdin: true, hijack: true }));
    stdin.write('two\n');
    expect(await text(logs)).toContain('two\n');
    stdin.destroy();
  });

  it('passes a hijacked attach both ways, and the end of stdin', async () => {
    const container = await createCat();
    const options = { stream: true, stdin: true, stdout: true, hijack: true };
    const stream = duplex(await stage.docker.getContainer(container.id).attach(options));
    await container.start();
    stream.write('hello\n');
    expect(await readUntil(stream, /hello\n/)).toContain('hello\n');
    stream.end('bye\n');
    expect(await text(stream)).toContain('bye\n');
    expect(await container.wait()).toMatchObject({ StatusCode: 0 });
  });

  it('passes an attach that the engine hijacks without an upgrade request', async () => {
    const container = await createCat();
    const path = `/containers/${container.id}/attach?stream=1&stdin=1&stdout=1`;
    const socket = connect({ path: stage.proxy.socketPath, allowHalfOpen: true });
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
    const client = spawn(process.execPath, ['-e', script, stage.proxy.socketPath, hijack]);
    expect(await readUntil(client.stdout, /\r\n\r\n/)).toContain('101 UPGRADED');
    await container.start();
    client.kill('SIGKILL');
    expect(await container.wait()).toMatchObject({ StatusCode: 0 });
    expect(await stage.proxy.until(hasEnded)).toMatchObject({ ended: 'client-left' });
  });

  it('passes an exec with its stdin', async () => {
    const { id } = await startContainer();
    const command = { Cmd: ['wc', '-c'], AttachStdin: true, AttachStdout: true };
    const exec = await stage.docker.getContainer(id).exec(command);
    const stream = await exec.start({ hijack: true, stdin: true });
    stream.end(randomBytes(300_000));
    expect(await text(stream)).toContain('300000\n');
    expect(await exec.inspect()).toMatchObject({ ExitCode: 0 });
  });

  it('passes a build with its context, and an archive back', async () => {
    const content = randomBytes(5_000_000);
    const t = `${label}:1`;
    const context = await mkdtemp(join(tmpdir(), 'castoff-proxy-spec-'));
    try {
      await writeFile(join(context, 'Dockerfile'), `FROM ${image}\nCOPY content /content\nCMD ["true"]\n`);
      await writeFile(join(context, 'content'), content);
      const src = ['Dockerfile', 'content'];
      const progress = await stage.docker.buildImage({ context, src }, { t, labels: { [label]: '1' } });
      expect(await text(progress)).toContain('Successfully built');
    } finally {
      await rm(context, { recursive: true });
    }

    const { id } = await createContainer({ Image: t });
    const archive = await stage.docker.getContainer(id).getArchive({ path: '/content' });
    expect((await buffer(archive)).includes(content)).toBe(true);
  });

  it('passes the 100 Continue that a client waits for before it sends a body', async () => {
    const { id } = await createContainer();
    const path = `/containers/${id}/archive?path=/`;
    const headers = { Expect: '100-continue', 'Content-Type': 'application/x-tar', 'Content-Length': 1024 };
    const asking = request({
      socketPath: stage.proxy.socketPath,
      method: 'PUT',
      path,
      headers,
      agent: false,
    });
    asking.flushHeaders();
    await once(asking, 'continue');
    asking.end(Buffer.alloc(1024));
    await once(asking, 'response');
    expect(await stage.proxy.until(hasEnded)).toMatchObject({ status: 200, ended: 'answered' });
    asking.destroy();
  });

  it('passes a wait for the removal, whose head comes long before its body', async () => {
    const container = await createContainer();
    const path = `/containers/${container.id}/wait?condition=removed`;
    const answer = await ask(stage.proxy.socketPath, 'POST', path);
    expect(await isThere(container)).toBe(true);
    await container.remove({ force: true });
    expect(await json(answer)).toMatchObject({ StatusCode: 0 });
  });
});

it('resets open connections and removes its folder when closed, once for all callers', async () => {
  const events = await ask(stage.proxy.socketPath, 'GET', '/events');
  await Promise.all([stage.proxy.close(), stage.proxy.close(), stage.proxy[Symbol.asyncDispose]()]);
  expect(existsSync(dirname(stage.proxy.socketPath))).toBe(false);
  await expect(text(events)).rejects.toMatchObject({ code: 'ECONNRESET' });
});
