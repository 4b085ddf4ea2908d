import { Agent } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from '@jest/globals';
import { converse } from '../support/converse';
import { openFaultProxy } from '../support/fault-proxy';
import { ask, createContainer, hasEnded, isThere, openProxyForEach } from '../support/fault-proxy-stage';

const stage = openProxyForEach();

describe('a fault', () => {
  it('answers instead of the engine, which gets no request', async () => {
    const container = await createContainer();
    const fault = { type: 'answer', status: 500, message: 'boom' } as const;
    const rule = stage.proxy.inject({ on: 'DELETE /containers/*', fault });
    const there = stage.docker.getContainer(container.id);
    await expect(there.remove()).rejects.toMatchObject({ statusCode: 500, json: { message: 'boom' } });
    expect(rule.hits()).toBe(1);
    expect(await isThere(container)).toBe(true);

    await there.remove();
    expect(await isThere(container)).toBe(false);
    expect(stage.proxy.calls.map(({ status }) => status)).toEqual([500, 204]);
  });

  it('fakes a success, with or without a body', async () => {
    const container = await createContainer();
    stage.proxy.inject({ on: 'DELETE /containers/*', fault: { type: 'answer', status: 204 } });
    stage.proxy.inject({ on: 'GET /containers/json', fault: { type: 'answer', status: 200, body: [] } });
    await stage.docker.getContainer(container.id).remove();
    expect(await stage.docker.listContainers({ all: true })).toEqual([]);
    expect(await isThere(container)).toBe(true);
  });

  it('leaves the connection usable after its own answer', async () => {
    stage.proxy.inject({
      on: 'PUT /containers/*/archive',
      fault: { type: 'answer', status: 503, message: 'no' },
    });
    stage.proxy.inject({ on: 'POST /containers/*/stop', fault: { type: 'answer', status: 304 } });
    const heard = await converse(stage.proxy.socketPath, [
      ['PUT /containers/x/archive HTTP/1.1\r\nHost: e\r\nContent-Length: 5\r\n\r\n12345', /\}\n/],
      ['POST /containers/x/stop HTTP/1.1\r\nHost: e\r\n\r\n', /\r\n\r\n/],
      ['GET /_ping HTTP/1.1\r\nHost: e\r\n\r\n', /OK$/],
    ]);
    expect(heard.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 503', 'HTTP/1.1 304', 'HTTP/1.1 200']);
  });

  it('delays a call, and then passes it on', async () => {
    const container = await createContainer();
    stage.proxy.inject({ on: 'DELETE /containers/*', fault: { type: 'delay', ms: 300 } });
    const startedAtMs = performance.now();
    const removal = stage.docker.getContainer(container.id).remove();
    await stage.proxy.until('DELETE /containers/*');
    expect(await isThere(container)).toBe(true);
    await removal;
    expect(performance.now() - startedAtMs).toBeGreaterThan(295);
    expect(await isThere(container)).toBe(false);
  });

  it('drops a held call whose client has disconnected', async () => {
    const container = await createContainer();
    const held = stage.proxy.hold('DELETE /containers/*');
    const leaving = new AbortController();
    const removal = stage.docker.getContainer(container.id).remove({ abortSignal: leaving.signal });
    await held.arrived();
    leaving.abort();
    await expect(removal).rejects.toMatchObject({ code: 'ABORT_ERR' });
    expect(await stage.proxy.until(hasEnded)).toMatchObject({ ended: 'client-left' });
    held.release();
    await stage.docker.ping();
    expect(await isThere(container)).toBe(true);
  });

  it('holds a call until it is released, and then passes it on', async () => {
    const container = await createContainer();
    const held = stage.proxy.hold('DELETE /containers/*');
    const removal = stage.docker.getContainer(container.id).remove();
    const call = await held.arrived();
    await stage.docker.ping();
    expect(await isThere(container)).toBe(true);
    expect(call).not.toHaveProperty('ended');
    held.release();
    await removal;
    expect(await isThere(container)).toBe(false);
  });

  it('resets a call before the engine gets it', async () => {
    const container = await createContainer();
    stage.proxy.inject({ on: 'DELETE /containers/*', fault: { type: 'reset' } });
    await expect(stage.docker.getContainer(container.id).remove()).rejects.toMatchObject({
      code: 'ECONNRESET',
    });
    expect(await isThere(container)).toBe(true);
    expect(stage.proxy.calls[0]).toMatchObject({ ended: 'faulted' });
    expect(stage.proxy.calls[0]).not.toHaveProperty('status');
  });

  it('loses the answer after the engine has acted', async () => {
    const container = await createContainer();
    stage.proxy.inject({ on: 'DELETE /containers/*', fault: { type: 'lose-answer' } });
    const removal = stage.docker.getContainer(container.id).remove({ force: true });
    await expect(removal).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(await isThere(container)).toBe(false);
    expect(stage.proxy.calls[0]).toMatchObject({ status: 204, ended: 'faulted' });
  });

  it('reads the whole body before it loses the answer', async () => {
    const container = await createContainer();
    stage.proxy.inject({ on: 'POST /containers/*/wait', fault: { type: 'lose-answer' } });
    const asking = ask(stage.proxy.socketPath, 'POST', `/containers/${container.id}/wait?condition=removed`);
    const lost = Promise.allSettled([asking]);
    const call = await stage.proxy.until(({ status }) => status === 200);
    expect(call).not.toHaveProperty('ended');
    await container.remove();
    expect(await lost).toMatchObject([{ reason: { code: 'ECONNRESET' } }]);
    expect(call).toMatchObject({ ended: 'faulted' });
  });

  it('truncates an answer after its head', async () => {
    const container = await createContainer();
    stage.proxy.inject({ on: 'POST /containers/*/wait', fault: { type: 'cut-answer' } });
    const answer = await ask(
      stage.proxy.socketPath,
      'POST',
      `/containers/${container.id}/wait?condition=removed`,
    );
    expect(answer.statusCode).toBe(200);
    await expect(text(answer)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(stage.proxy.calls[0]).toMatchObject({ status: 200, ended: 'faulted' });
  });

  it('does not answer a swallowed call until it is closed', async () => {
    const container = await createContainer();
    stage.proxy.inject({ on: 'DELETE /containers/*', fault: { type: 'swallow' } });
    const removal = Promise.allSettled([stage.docker.getContainer(container.id).remove()]);
    const call = await stage.proxy.until('DELETE /containers/*');
    for (let asked = 0; asked < 20; asked += 1) await stage.docker.ping();
    expect(call).not.toHaveProperty('ended');
    await stage.proxy.close();
    expect(await removal).toMatchObject([{ reason: { code: 'ECONNRESET' } }]);
    expect(call).toMatchObject({ ended: 'faulted' });
    expect(await isThere(container)).toBe(true);
  });

  it('comes from the first matching rule, until that is used up or removed', async () => {
    const agent = new Agent({ keepAlive: true });
    const askAgain = async (): Promise<number | undefined> => {
      const answer = await ask(stage.proxy.socketPath, 'GET', '/version', { agent });
      await text(answer);
      return answer.statusCode;
    };
    stage.proxy.inject({ on: 'GET /version', fault: () => undefined });
    stage.proxy.inject({
      on: ['GET /info', 'GET /version'],
      fault: { type: 'answer', status: 500 },
      times: 2,
    });
    const last = stage.proxy.inject({
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

  it('is not needed when no engine listens: the client is reset', async () => {
    await using away = await openFaultProxy({ upstream: '/nowhere/engine.sock' });
    const ping = ask(away.socketPath, 'GET', '/_ping');
    await expect(ping).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(away.calls[0]).toMatchObject({ ended: 'engine-left' });
  });
});

describe('waiting for a call', () => {
  it('includes calls that came before', async () => {
    await stage.docker.ping();
    expect(await stage.proxy.until('GET /_ping', 0)).toBe(stage.proxy.calls[0]);
  });

  it('rejects after its timeout, and lists the calls that came instead', async () => {
    await stage.docker.ping();
    const waiting = stage.proxy.until('DELETE /containers/*', 20);
    await expect(waiting).rejects.toThrow(/no call like DELETE \/containers\/\* within 20 ms.*\n.*_ping/);
  });

  it('ends when the proxy is closed', async () => {
    const waiting = Promise.allSettled([stage.proxy.until('DELETE **', 60_000)]);
    await stage.proxy.close();
    expect(await waiting).toMatchObject([{ reason: { message: 'the proxy was closed' } }]);
  });
});
