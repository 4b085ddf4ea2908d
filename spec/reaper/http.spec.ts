import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openHttp, type HttpPort } from '../../lib/reaper/daemon/http';
import type { HttpSources } from '../../lib/reaper/daemon/http-routes';
import { askHttp } from '../support/daemon-reaper';

let fault: string | undefined;
const sources: HttpSources = {
  checkHealth: async () => fault,
  metrics: async () => ({ text: 'up 1\n', type: 'text/plain; version=0.0.4' }),
  sessions: () => ({ leases: [] }),
};

const local = { host: '127.0.0.1', port: 0, sources };
let port: HttpPort;
beforeEach(async () => {
  fault = undefined;
  port = await openHttp(local);
});
afterEach(() => port.close());

const ask = (path: string, more: { method?: string; host?: string } = {}) =>
  askHttp({ url: `${port.address}${path}`, ...more });

/** A client that sends `text`, and no more. */
const openSilent = async (text: string): Promise<Socket> => {
  const { port: number } = new URL(port.address);
  const socket = connect(Number(number), '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(text);
  socket.resume();
  return socket;
};

describe('the HTTP port', () => {
  it('answers 200 on /healthz while there is no fault, else 503 with the reason', async () => {
    expect(await ask('/healthz')).toMatchObject({ status: 200, body: 'ok\n' });
    fault = 'the engine does not answer';
    expect(await ask('/healthz')).toMatchObject({ status: 503, body: 'the engine does not answer\n' });
  });

  it('gives figures and sessions with their types, whatever the query', async () => {
    expect(await ask('/metrics?name=x')).toMatchObject({
      status: 200,
      body: 'up 1\n',
      headers: { 'content-type': 'text/plain; version=0.0.4', 'cache-control': 'no-store' },
    });
    const { body, headers } = await ask('/sessions');
    expect(JSON.parse(body)).toEqual({ leases: [] });
    expect(headers['content-type']).toBe('application/json');
  });

  it.each(['/', '/healthz/', '/Healthz', '//healthz', '/sessions/1', '/%68ealthz'])(
    'knows no %s',
    async (path) => {
      expect(await ask(path)).toMatchObject({ status: 404 });
    },
  );

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('takes no %s', async (method) => {
    expect(await ask('/sessions', { method })).toMatchObject({
      status: 405,
      headers: { allow: 'GET, HEAD' },
    });
  });

  it('answers HEAD without a body', async () => {
    expect(await ask('/healthz', { method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
  });

  it.each([
    'evil.example',
    'evil.example:8081',
    '127.0.0.1.evil.example',
    'local.host:1',
    '[evil]',
    'a b',
    '@',
  ])('tells nothing to a page that comes under the name %s', async (host) => {
    const { status, body } = await ask('/sessions', { host });
    expect(status).toBe(421);
    expect(body).not.toContain('leases');
  });

  it.each([
    'localhost',
    'localhost:8081',
    '127.0.0.1',
    '10.0.0.7:8081',
    '[::1]',
    '[::1]:8081',
    'reaper:8081',
  ])('answers to %s', async (host) => {
    expect(await ask('/sessions', { host })).toMatchObject({ status: 200 });
  });

  it('says 500 and goes on where a source fails', async () => {
    const broken = { ...sources, metrics: () => Promise.reject(new Error('no figures')) };
    const other = await openHttp({ host: '127.0.0.1', port: 0, sources: broken });
    expect(await askHttp({ url: `${other.address}/metrics` })).toMatchObject({
      status: 500,
      body: 'no figures\n',
    });
    expect(await askHttp({ url: `${other.address}/healthz` })).toMatchObject({ status: 200 });
    await other.close();
  });

  it('refuses a port that is taken, and names it', async () => {
    const { port: taken } = new URL(port.address);
    const opening = openHttp({ host: '127.0.0.1', port: Number(taken), sources });
    await expect(opening).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(`127.0.0.1:${taken}`),
    });
  });
});

describe('the HTTP port, for clients that send their request too slowly,', () => {
  beforeEach(async () => {
    await port.close();
    port = await openHttp({ ...local, timeoutMs: 500 });
  });

  it.each([
    ['sends nothing', ''],
    ['does not end its head', 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n'],
    [
      'does not send the body that it announced',
      'GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n',
    ],
    ['speaks no HTTP', 'label=a=b\n'],
  ])('disconnects one that %s, and serves the others meanwhile', async (_, text) => {
    const socket = await openSilent(text);
    const closed = once(socket, 'close', { signal: AbortSignal.timeout(20_000) });
    expect(await ask('/healthz')).toMatchObject({ status: 200 });
    await closed;
  });

  it('serves others again once hundreds that send nothing have been disconnected', async () => {
    const silent = await Promise.all(Array.from({ length: 300 }, () => openSilent('')));
    for (const socket of silent) if (!socket.closed) await once(socket, 'close');
    expect(await ask('/healthz')).toMatchObject({ status: 200 });
  });
});
