import { once } from 'node:events';
import { createServer, request, type ClientRequest, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PausedRequest } from '../../lib/capture/paused-request';
import { rejectionOf } from '../support/rejection';

let server: Server;
/** Each request that has come, with its headers and its body. */
const come: { readonly headers: IncomingMessage['headers']; readonly body: string }[] = [];

beforeAll(async () => {
  server = createServer((asked, answer) => {
    let body = '';
    asked.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    asked.once('end', () => {
      come.push({ headers: asked.headers, body });
      answer.end('done');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => void server.close());

function post(headers: Record<string, string | number> = {}): ClientRequest {
  const { port } = server.address() as AddressInfo;
  return request({ host: '127.0.0.1', port, method: 'POST', path: '/', headers, agent: false });
}

/** Without somebody who listens, a request that is given up is an error of the process. */
function giveUp(asking: ClientRequest): void {
  asking.on('error', () => undefined).destroy();
}

async function answerTo(asking: ClientRequest): Promise<string> {
  const [response] = (await once(asking, 'response')) as [IncomingMessage];
  return text(response);
}

describe('a held request', () => {
  it('sends nothing, not even its head, until it is released', async () => {
    const asking = post();
    const held = new PausedRequest(asking);
    const before = come.length;
    asking.flushHeaders();
    asking.end('{}');
    await once(asking, 'socket');
    await setImmediate();
    expect([asking.headersSent, come.length]).toEqual([false, before]);
    const answered = answerTo(asking);
    await held.release();
    expect(await answered).toBe('done');
    expect(come.at(-1)?.body).toBe('{}');
  });

  it('sends another body with its own length, and tells all who wait for theirs', async () => {
    const asking = post({ 'Content-Length': 2 });
    const held = new PausedRequest(asking);
    const told: string[] = [];
    asking.write('{', () => told.push('write'));
    asking.end('}', () => told.push('end'));
    expect(await held.wholeBody()).toBe('{}');
    const answered = answerTo(asking);
    await held.release('{"Labels":"ä"}');
    await answered;
    expect(come.at(-1)).toMatchObject({ body: '{"Labels":"ä"}', headers: { 'content-length': '15' } });
    expect(told).toEqual(['write', 'end']);
  });

  it('reads a body in whatever form it is written', async () => {
    const asking = post();
    const held = new PausedRequest(asking);
    asking.write('7b', 'hex');
    asking.write(new Uint8Array([0x22, 0x61]));
    asking.write(Buffer.from('":'));
    asking.end('MX0=', 'base64');
    expect(await held.wholeBody()).toBe('{"a":1}');
    giveUp(asking);
  });

  it('stops a writer that is far ahead, and lets it go on when it is released', async () => {
    const asking = post();
    const held = new PausedRequest(asking);
    expect(asking.write('a'.repeat(1000))).toBe(true);
    expect(asking.write('b'.repeat(70_000))).toBe(false);
    const drained = once(asking, 'drain');
    await held.release();
    await drained;
    const answered = answerTo(asking);
    asking.end('c');
    await answered;
    expect(come.at(-1)?.body).toBe(`${'a'.repeat(1000)}${'b'.repeat(70_000)}c`);
  });

  it('does not stop a writer whose whole body is wanted', async () => {
    const asking = post();
    const held = new PausedRequest(asking);
    expect(asking.write('b'.repeat(70_000))).toBe(false);
    const drained = once(asking, 'drain');
    const whole = held.wholeBody();
    await drained;
    expect(asking.write('b'.repeat(70_000))).toBe(true);
    asking.end();
    expect((await whole)?.length).toBe(140_000);
    giveUp(asking);
  });

  it('keeps what is written while it is being released behind what was before', async () => {
    const asking = post();
    const held = new PausedRequest(asking);
    asking.write('1');
    await setImmediate();
    asking.write('2');
    const releasing = held.release();
    asking.write('3');
    await releasing;
    const answered = answerTo(asking);
    asking.end('4');
    await answered;
    expect(come.at(-1)?.body).toBe('1234');
  });

  it('can be held twice, and is sent when both have released it, whichever is first', async () => {
    for (const isOuterFirst of [true, false]) {
      const asking = post();
      const inner = new PausedRequest(asking);
      const outer = new PausedRequest(asking);
      asking.end('twice');
      const answered = answerTo(asking);
      await (isOuterFirst ? outer : inner).release();
      await (isOuterFirst ? inner : outer).release();
      expect(await answered).toBe('done');
      expect(come.at(-1)?.body).toBe('twice');
    }
  });

  it('fails as its connection would', async () => {
    const asking = post();
    const held = new PausedRequest(asking);
    const before = come.length;
    asking.end('{}');
    const failed = rejectionOf(answerTo(asking));
    const error = new Error('not ready');
    held.fail(error);
    expect(await failed).toBe(error);
    expect(come.length).toBe(before);
  });

  it('sends nothing once it has been given up, and its body is none', async () => {
    const asking = post();
    const held = new PausedRequest(asking);
    const before = come.length;
    asking.write('{');
    const whole = held.wholeBody();
    giveUp(asking);
    expect(await whole).toBeUndefined();
    await held.release();
    await held.release('{}');
    await setImmediate();
    expect(come.length).toBe(before);
  });
});
