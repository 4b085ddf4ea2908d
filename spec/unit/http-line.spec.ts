import { describe, expect, it } from '@jest/globals';
import { parseRequest } from '../../lib/reaper/protocol/parse-request';
import { isHttpLine, isTlsHandshake } from '../../lib/reaper/protocol/http-line';

describe('a line', () => {
  it.each([
    'POST / HTTP/1.1',
    'GET /label=a=b HTTP/1.1',
    'post /x y z HTTP/1.0',
    'PRI * HTTP/2.0',
    'OPTIONS * HTTP/1.1',
    'CONNECT 127.0.0.1:8080 HTTP/1.1',
    'Host: 127.0.0.1:8080',
    'host:127.0.0.1',
    'content-type: text/plain;charset=UTF-8',
  ])('belongs to an HTTP request: %s', (line) => {
    expect(isHttpLine(line)).toBe(true);
  });

  it.each([
    'label=a=b',
    'label=a%3Db&label=url=http://host:80/',
    'label=path=POST / HTTP/1.1',
    '%6Cabel=a=b',
    '&label=a=b',
    '{"id":1,"type":"ping"}',
    ' {"id":1,"type":"claim","labels":["a=b"],"note":"x: GET / HTTP/1.1"}',
  ])('belongs to the reaper’s protocols: %s', (line) => {
    if (parseRequest(line).type === 'refusal') throw new Error(`not understood: ${line}`);
    expect(isHttpLine(line)).toBe(false);
  });
});

describe('the first byte of a connection', () => {
  it('starts a TLS handshake if it is 22, which starts no line', () => {
    expect([0x16, 0x7b, 0x6c, 0x0a, undefined].map(isTlsHandshake)).toEqual([
      true,
      false,
      false,
      false,
      false,
    ]);
  });
});
