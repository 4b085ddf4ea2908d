import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseRequest } from '../../lib/reaper/protocol/parse-request';
import { parseRyukLine } from '../../lib/reaper/protocol/ryuk-line';

describe("a line of Ryuk's protocol", () => {
  it.each([
    ['label=a=b', ['a=b']],
    ['label=a=b&label=c=d', ['a=b', 'c=d']],
    ['label=a=b&&label=c=d&', ['a=b', 'c=d']],
    // Java
    ['label=org.testcontainers%3Dtrue&label=a%3Db', ['org.testcontainers=true', 'a=b']],
    ['label=a=b=c', ['a=b=c']],
    ['label=a+b=c', ['a b=c']],
    ['label=', ['']],
    ['', []],
  ])('%j has labels', (line, labels) => {
    expect(parseRyukLine(line)).toEqual({ labels });
  });

  it('may have a token, alone or beside labels', () => {
    expect(parseRyukLine('token=a%26b&label=a=b')).toEqual({ labels: ['a=b'], token: 'a&b' });
    expect(parseRequest('token=secret')).toEqual({ type: 'token', token: 'secret' });
    expect(parseRequest('label=a=b&token=secret')).toMatchObject({ type: 'filter', token: 'secret' });
  });

  it('is one claim, which covers resources that carry all of its labels', () => {
    expect(parseRequest('label=session=1&label=org.testcontainers=true')).toEqual({
      type: 'filter',
      claim: {
        key: 'org.testcontainers=true & session=1',
        labels: ['org.testcontainers=true', 'session=1'],
      },
    });
  });

  it.each([
    ['status=running', 'a filter by "status"; only labels can be claimed'],
    ['label=a=b&name=x', 'a filter by "name"; only labels can be claimed'],
    ['GET / HTTP/1.1', 'a filter by "GET / HTTP/1.1"; only labels can be claimed'],
    ['label=%', 'invalid percent-encoding'],
    ['label=a%zz=b', 'invalid percent-encoding'],
    ['label=a=b;label=c=d', 'a semicolon; separate filters with &'],
    ['label=', 'a label without a key; send label=<key>=<value>'],
    ['label==b', 'a label without a key; send label=<key>=<value>'],
    ['label=a', 'no label with a value; send label=<key>=<value>'],
    ['label=a=', 'no label with a value; send label=<key>=<value>'],
    ['&', 'no label; send label=<key>=<value>'],
    ['label=a=b%0Amsg=removed', 'a label with a control character'],
    [`label=a=${'b'.repeat(5_000)}`, '5002 characters of labels; at most 4096 allowed'],
    [Array.from({ length: 65 }, (_, n) => `label=k${n}=v`).join('&'), '65 labels; at most 64 allowed'],
  ])('%.40s is refused with the reason', (line, reason) => {
    expect(parseRequest(line)).toEqual({ type: 'refusal', reason });
  });

  it('parses to the labels that it was built from, encoded or not', () => {
    const label = fc.tuple(fc.string({ minLength: 1 }), fc.string()).map((parts) => parts.join('='));
    fc.assert(
      fc.property(fc.array(label, { minLength: 1 }), (labels) => {
        const line = labels.map((one) => `label=${encodeURIComponent(one)}`).join('&');
        expect(parseRyukLine(line)).toEqual({ labels });
      }),
    );
  });

  it('is parsed without an exception, whatever it contains', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (line) => {
        expect(parseRequest(line)).toHaveProperty('type');
      }),
    );
  });
});
