import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readAnswer } from '../../lib/relay/answer-head';
import { MessageReader, type Message } from '../../lib/relay/message-reader';
import type { Head } from '../../lib/relay/message-head';
import { readRequest } from '../../lib/relay/request-head';

/** What a reader finds in a stream, independent of how its bytes were split. */
function readAll(pieces: readonly Buffer[], read: (head: Head) => Message<Head> | undefined = readRequest) {
  const reader = new MessageReader(read);
  const messages: { line: string; content: string; isEnd: boolean }[] = [];
  const passed: Buffer[] = [];
  let unknown = '';
  for (const bytes of pieces) {
    reader.push(bytes);
    for (let piece = reader.next(); piece !== undefined; piece = reader.next()) {
      passed.push(piece.bytes);
      if (piece.type === 'unknown') unknown += piece.bytes.toString('latin1');
      if (piece.type === 'head') messages.push({ line: piece.head.line, content: '', isEnd: piece.isEnd });
      const last = messages.at(-1);
      if (piece.type === 'body' && last !== undefined) {
        last.content += Buffer.concat(piece.data).toString('latin1');
        last.isEnd = piece.isEnd;
      }
    }
  }
  passed.push(reader.takeRest());
  return { messages, isUnknown: unknown !== '', passed: Buffer.concat(passed).toString('latin1') };
}

function cut(bytes: Buffer, at: readonly number[]): readonly Buffer[] {
  const places = [0, ...at.map((place) => place % (bytes.length + 1)), bytes.length].toSorted(
    (a, b) => a - b,
  );
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}

const cuts = fc.array(fc.nat(), { maxLength: 20 });
const content = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
const lineEnd = fc.constantFrom('\r\n', '\n');

/** A request and its content, with a length or in chunks. */
const request = fc
  .tuple(fc.array(content, { maxLength: 4 }), lineEnd, fc.boolean(), fc.boolean())
  .map(([parts, end, isChunked, hasExtras]) => {
    const chunks = parts.filter((part) => part !== '');
    const all = chunks.join('');
    const framing = isChunked ? 'Transfer-Encoding: Chunked' : `content-length: ${all.length}`;
    const head = ['POST /v1.41/containers/create HTTP/1.1', 'Host: docker', framing].join(end) + end + end;
    const extension = hasExtras ? ';name="x"' : '';
    const trailer = hasExtras ? `Checksum: 1${end}` : '';
    const body = isChunked
      ? `${chunks.map((part) => `${part.length.toString(16)}${extension}\r\n${part}\r\n`).join('')}0${end}${trailer}${end}`
      : all;
    return { bytes: (hasExtras ? end : '') + head + body, content: all };
  });

describe('a message reader', () => {
  it('finds the same messages wherever the stream is split', () => {
    fc.assert(
      fc.property(fc.array(request, { maxLength: 4 }), cuts, (requests, at) => {
        const stream = requests.map(({ bytes }) => bytes).join('');
        expect(readAll(cut(Buffer.from(stream, 'latin1'), at))).toEqual({
          messages: requests.map((one) => ({
            line: 'POST /v1.41/containers/create HTTP/1.1',
            content: one.content,
            isEnd: true,
          })),
          isUnknown: false,
          passed: stream,
        });
      }),
    );
  });

  const parts =
    'GET / HTTP/1.1|\r\n|\n|Content-Length: 3|Transfer-Encoding: chunked|: x|abc|3|0|zz\r\n|\r\n\r\n|' +
    'HTTP/1.1 200 OK|HTTP/1.1 101 Switching|HTTP/1.1 204|\0';
  const token = fc.constantFrom(...parts.split('|'));
  it.each([
    ['requests', readRequest],
    ['answers', (head: Head) => readAnswer(head, 'GET')],
  ])(
    'accepts any bytes as %s, passes all of them on, and decides the same wherever they are split',
    (_, read) => {
      fc.assert(
        fc.property(fc.array(token, { maxLength: 20 }), cuts, (tokens, at) => {
          const bytes = Buffer.from(tokens.join(''), 'latin1');
          const found = readAll(cut(bytes, at), read);
          expect(found).toEqual(readAll([bytes], read));
          expect(found.passed).toBe(bytes.toString('latin1'));
        }),
        { numRuns: 1_000 },
      );
    },
  );

  it.each([
    ['no HTTP', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['a length and chunks', 'POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['two lengths', 'POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'],
    ['a negative length', 'POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n'],
    ['an unknown coding', 'POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n'],
    ['a folded field', 'GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n'],
    ['a head of more than 1 MiB', `GET / HTTP/1.1\r\nA: ${'x'.repeat(1024 * 1024)}`],
    ['a chunk without a size', 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n'],
  ])('recognises no message in %s, nor after it', (_, stream) => {
    const { isUnknown, passed, messages } = readAll([
      Buffer.from(stream),
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    ]);
    expect(isUnknown).toBe(true);
    expect(passed).toBe(`${stream}GET / HTTP/1.1\r\n\r\n`);
    expect(messages.length).toBeLessThanOrEqual(1);
  });

  it('does not treat a content length of which every copy is the same as ambiguous', () => {
    const stream = 'POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx';
    expect(readAll([Buffer.from(stream)]).messages).toEqual([
      { line: 'POST / HTTP/1.1', content: 'x', isEnd: true },
    ]);
  });
});

describe('the body of an answer', () => {
  const framingOf = (status: string, fields: readonly string[], method = 'GET') =>
    readAnswer(
      { line: `HTTP/1.1 ${status}`, fields: fields.map((field) => field.split(': ') as [string, string]) },
      method,
    )?.framing;

  it.each([
    ['HEAD', '200 OK', ['content-length: 5'], 0],
    ['GET', '204 No Content', ['content-length: 5'], 0],
    ['GET', '304 Not Modified', [], 0],
    ['GET', '100 Continue', [], 0],
    ['GET', '200 OK', ['content-length: 5'], 5],
    ['GET', '200 OK', ['transfer-encoding: chunked'], 'chunked'],
    ['GET', '200 OK', [], 'until-close'],
    ['POST', '101 UPGRADED', ['upgrade: tcp'], 'until-close'],
    ['POST', '200 OK', ['content-type: application/vnd.docker.raw-stream'], 'until-close'],
  ])('of %s with status %s and %j ends at %s', (method, status, fields, framing) => {
    expect(framingOf(status, fields, method)).toBe(framing);
  });
});
