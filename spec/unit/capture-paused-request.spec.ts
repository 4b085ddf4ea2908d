import { once } from 'node:events';
import { createServer, request, type ClientRequest, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PausedRequest } from '../../lib/capture/paused-request';
import { rejectionOf } from '../support/rejection';

let server: Server;
/** The requests that the server has received. */
const received: { readonly headers: IncomingMessage['headers']; readonly body: string }[] = [];

beforeAll(async () => {
  server = createServer((incoming, response) => {
    let body = '';
    incoming.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    incoming.once('end', () => {
      received.push({ headers: incoming.headers, body });
      response.end('done');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => void server.close());

function post(headers: Record<string, string | number> = {}): ClientRequest {
  const { port } = server.address() as AddressInfo;
  return request({ host: '127.0.0.1', port, method: 'POST', path: '/', headers, agent: false });
}

/** Destroys a request. Without a listener, its error would crash the process. */
function abort(outgoing: ClientRequest): void {
  outgoing.on('error', () => undefined).destroy();
}

async function bodyOf(outgoing: ClientRequest): Promise<string> {
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  return text(response);
}

describe('PausedRequest', () => {
  it('sends nothing, not even headers, until it is released', async () => {
    const outgoing = post();
    const paused = new PausedRequest(outgoing);
    const before = received.length;
    outgoing.flushHeaders();
    outgoing.end('{}');
    await once(outgoing, 'socket');
    await setImmediate();
    expect([outgoing.headersSent, received.length]).toEqual([false, before]);
    const responded = bodyOf(outgoing);
    await paused.release();
    expect(await responded).toBe('done');
    expect(received.at(-1)?.body).toBe('{}');
  });

  it('sends a replacement body with its own length, and calls all write callbacks', async () => {
    const outgoing = post({ 'Content-Length': 2 });
    const paused = new PausedRequest(outgoing);
    const called: string[] = [];
    outgoing.write('{', () => called.push('write'));
    outgoing.end('}', () => called.push('end'));
    expect(await paused.wholeBody()).toBe('{}');
    const responded = bodyOf(outgoing);
    await paused.release('{"Labels":"ä"}');
    await responded;
    expect(received.at(-1)).toMatchObject({ body: '{"Labels":"ä"}', headers: { 'content-length': '15' } });
    expect(called).toEqual(['write', 'end']);
  });

  it('reads a body written as strings, buffers and typed arrays, in any encoding', async () => {
    const outgoing = post();
    const paused = new PausedRequest(outgoing);
    outgoing.write('7b', 'hex');
    outgoing.write(new Uint8Array([0x22, 0x61]));
    outgoing.write(Buffer.from('":'));
    outgoing.end('MX0=', 'base64');
    expect(await paused.wholeBody()).toBe('{"a":1}');
    abort(outgoing);
  });

  it('applies backpressure to a writer until it is released', async () => {
    const outgoing = post();
    const paused = new PausedRequest(outgoing);
    expect(outgoing.write('a'.repeat(1000))).toBe(true);
    expect(outgoing.write('b'.repeat(70_000))).toBe(false);
    const drained = once(outgoing, 'drain');
    await paused.release();
    await drained;
    const responded = bodyOf(outgoing);
    outgoing.end('c');
    await responded;
    expect(received.at(-1)?.body).toBe(`${'a'.repeat(1000)}${'b'.repeat(70_000)}c`);
  });

  it('does not apply backpressure while the whole body is requested', async () => {
    const outgoing = post();
    const paused = new PausedRequest(outgoing);
    expect(outgoing.write('b'.repeat(70_000))).toBe(false);
    const drained = once(outgoing, 'drain');
    const whole = paused.wholeBody();
    await drained;
    expect(outgoing.write('b'.repeat(70_000))).toBe(true);
    outgoing.end();
    expect((await whole)?.length).toBe(140_000);
    abort(outgoing);
  });

  it('keeps the order of data written before and during the release', async () => {
    const outgoing = post();
    const paused = new PausedRequest(outgoing);
    outgoing.write('1');
    await setImmediate();
    outgoing.write('2');
    const releasing = paused.release();
    outgoing.write('3');
    await releasing;
    const responded = bodyOf(outgoing);
    outgoing.end('4');
    await responded;
    expect(received.at(-1)?.body).toBe('1234');
  });

  it('supports pausing a request twice: it is sent after both releases, in either order', async () => {
    for (const isOuterFirst of [true, false]) {
      const outgoing = post();
      const inner = new PausedRequest(outgoing);
      const outer = new PausedRequest(outgoing);
      outgoing.end('twice');
      const responded = bodyOf(outgoing);
      await (isOuterFirst ? outer : inner).release();
      await (isOuterFirst ? inner : outer).release();
      expect(await responded).toBe('done');
      expect(received.at(-1)?.body).toBe('twice');
    }
  });

  it('fails the request with the given error', async () => {
    const outgoing = post();
    const paused = new PausedRequest(outgoing);
    const before = received.length;
    outgoing.end('{}');
    const failed = rejectionOf(bodyOf(outgoing));
    const error = new Error('not ready');
    paused.fail(error);
    expect(await failed).toBe(error);
    expect(received.length).toBe(before);
  });

  it('sends nothing after the request was aborted, and resolves its body to undefined', async () => {
    const outgoing = post();
    const paused = new PausedRequest(outgoing);
    const before = received.length;
    outgoing.write('{');
    const whole = paused.wholeBody();
    abort(outgoing);
    expect(await whole).toBeUndefined();
    await paused.release();
    await paused.release('{}');
    await setImmediate();
    expect(received.length).toBe(before);
  });
});
