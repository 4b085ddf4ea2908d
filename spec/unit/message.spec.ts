import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseRequest } from '../../lib/reaper/protocol/parse-request';

const owner = { host: 'here', pid: 7 };
const hello = { id: 1, type: 'hello', protocol: 2, version: '0.1.0', session: '1f2e', owner };

/** What is said back to a line that cannot be used. */
function refusalOf(message: object | string): string {
  const line = typeof message === 'string' ? message : JSON.stringify(message);
  const parsed = parseRequest(line, {});
  return parsed.type === 'refusal' ? `${parsed.id}: ${parsed.reason}` : parsed.type;
}

describe('a JSON line', () => {
  it('is a hello with all that belongs to one', () => {
    const full = { ...owner, machine: 'm', boot: 'b', pidStart: 's', pidNamespace: 'n', run: 'r' };
    const request = { ...hello, owner: full, token: 'secret' };
    expect(parseRequest(JSON.stringify(request))).toEqual({ type: 'request', request });
  });

  it.each(['claim', 'release'])('is a %s of labels, which are one claim', (type) => {
    const request = { id: 4, type, labels: ['b=2', 'a=1'] };
    const claim = { key: 'a=1 & b=2', labels: ['a=1', 'b=2'] };
    expect(parseRequest(JSON.stringify(request))).toEqual({ type: 'claim-request', request, claim });
  });

  it.each(['ping', 'bye'])('is a %s', (type) => {
    expect(parseRequest(JSON.stringify({ id: 9, type }))).toEqual({
      type: 'request',
      request: { id: 9, type },
    });
  });

  it.each([
    ['{', '0: no JSON object in one line'],
    ['{"id":1', '0: no JSON object in one line'],
    [{ type: 'ping' }, '0: id: it is missing; give a whole number from 1'],
    [{ id: -1, type: 'ping' }, '0: id: got -1; give a whole number from 1'],
    [{ id: '1', type: 'ping' }, '0: id: got "1"; give a whole number from 1'],
    [
      { id: 1 },
      '1: type: it is missing; one of hello, claim, release, bye, ping is understood in protocol 2',
    ],
    [
      { ...hello, protocol: 1 },
      '1: protocol: got 1; this reaper speaks 2: use the reaper of the same castoff',
    ],
    [{ ...hello, version: 1 }, '1: version: got 1; give that of the castoff that speaks'],
    [{ ...hello, session: '' }, '1: session: got ""; give its id'],
    [{ ...hello, session: 'x'.repeat(257) }, '1: a text of more than 256 characters; give shorter names'],
    [{ ...hello, token: 5 }, '1: token: no text'],
    [{ ...hello, owner: 'me' }, '1: owner: no object'],
    [{ ...hello, owner: { pid: 7 } }, "1: owner: host: it is missing; give the host's name"],
    [{ ...hello, owner: { host: 'here', pid: 0 } }, '1: owner: pid: got 0; give a process id'],
    [{ ...hello, owner: { ...owner, boot: [] } }, '1: owner: boot: got a list; give text, or leave it out'],
    [{ id: 2, type: 'claim' }, '2: labels: it is missing; give a list of key=value'],
    [{ id: 2, type: 'claim', labels: 'a=b' }, '2: labels: got "a=b"; give a list of key=value'],
    [{ id: 2, type: 'claim', labels: [1] }, '2: labels: got a list; give a list of key=value'],
    [{ id: 2, type: 'claim', labels: [] }, '2: no label; send label=<key>=<value>'],
    ...[7, {}, { only: 'a' }, { except: [1] }, { only: [], but: [] }].map(
      (bounds) =>
        [
          { id: 2, type: 'claim', labels: ['a=b'], bounds },
          `2: bounds: got ${typeof bounds === 'number' ? bounds : 'an object'}; give lists of digests`,
        ] as const,
    ),
    [
      { id: 2, type: 'claim', labels: ['a=b'], bounds: { only: ['volume data'] } },
      '2: bounds that are no digests of identities',
    ],
    [
      { id: 2, type: 'claim', labels: ['a=b'], bounds: { only: Array(201).fill('a'.repeat(16)) } },
      '2: bounds of 201 things; 200 at the most',
    ],
    [{ id: 2, type: 'claim', labels: ['a'] }, '2: no label with a value; send label=<key>=<value>'],
  ])('is refused with the reason: %j', (line, reason) => {
    expect(refusalOf(line)).toBe(reason);
  });

  it('is read without a throw, whatever it holds', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.json(),
          fc.string(),
          fc.object().map((value) => JSON.stringify(value)),
        ),
        (text) => {
          expect(parseRequest(text)).toHaveProperty('type');
          expect(parseRequest(`{${text}`)).toHaveProperty('type');
        },
      ),
    );
    const nested = `{"id":1,"type":${'['.repeat(30_000)}${']'.repeat(30_000)}}`;
    expect(refusalOf(nested)).toMatch(/^1: type: got a list;/);
  });
});
