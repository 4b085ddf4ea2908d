import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseRequest } from '../../lib/reaper/protocol/parse-request';

const owner = { host: 'here', pid: 7 };
const hello = { id: 1, type: 'hello', protocol: 3, version: '0.1.0', session: '1f2e', owner };

/** The reason for the refusal of an invalid line. */
function refusalOf(message: object | string): string {
  const line = typeof message === 'string' ? message : JSON.stringify(message);
  const parsed = parseRequest(line);
  return parsed.type === 'refusal' ? `${parsed.id}: ${parsed.reason}` : parsed.type;
}

describe('a JSON line', () => {
  it('is a hello with all of its fields', () => {
    const full = { ...owner, machine: 'm', boot: 'b', pidStart: 's', pidNamespace: 'n', run: 'r' };
    const request = { ...hello, owner: full, token: 'secret' };
    expect(parseRequest(JSON.stringify(request))).toEqual(request);
  });

  it.each(['claim', 'release'])('is a %s of labels, which form one claim', (type) => {
    const request = { id: 4, type, labels: ['b=2', 'a=1'] };
    const claim = { key: 'a=1 & b=2', labels: ['a=1', 'b=2'] };
    expect(parseRequest(JSON.stringify(request))).toEqual({ id: 4, type, claim });
  });

  it.each(['ping', 'bye'])('is a %s', (type) => {
    expect(parseRequest(JSON.stringify({ id: 9, type }))).toEqual({ id: 9, type });
  });

  it('is a bye that keeps the resources for a while', () => {
    expect(parseRequest(JSON.stringify({ id: 9, type: 'bye', keepMs: 3_600_000 }))).toEqual({
      id: 9,
      type: 'bye',
      keepMs: 3_600_000,
    });
  });

  it.each([
    ['{', '0: not a JSON object on one line'],
    ['{"id":1', '0: not a JSON object on one line'],
    [{ type: 'ping' }, '0: id: missing; give a whole number from 1'],
    [{ id: -1, type: 'ping' }, '0: id: got -1; give a whole number from 1'],
    [{ id: '1', type: 'ping' }, '0: id: got "1"; give a whole number from 1'],
    [{ id: 1 }, '1: type: missing; protocol 3 has hello, claim, release, bye and ping'],
    [
      { ...hello, protocol: 1 },
      '1: protocol: got 1; this reaper speaks 3: use the reaper of the same castoff version',
    ],
    [{ ...hello, version: 1 }, "1: version: got 1; give the client's castoff version"],
    [{ ...hello, session: '' }, '1: session: got ""; give its id'],
    [{ ...hello, session: 'x'.repeat(257) }, '1: a string of more than 256 characters; use shorter names'],
    [{ ...hello, token: 5 }, '1: token: not a string'],
    [{ ...hello, owner: 'me' }, '1: owner: not an object'],
    [{ ...hello, owner: { pid: 7 } }, "1: owner: host: missing; give the host's name"],
    [{ ...hello, owner: { host: 'here', pid: 0 } }, '1: owner: pid: got 0; give a process id'],
    [{ ...hello, owner: { ...owner, boot: [] } }, '1: owner: boot: got a list; give a string, or omit it'],
    [{ id: 2, type: 'bye', keepMs: 0 }, '2: keepMs: got 0; give milliseconds from 1 to 86400000'],
    [
      { id: 2, type: 'bye', keepMs: 86_400_001 },
      '2: keepMs: got 86400001; give milliseconds from 1 to 86400000',
    ],
    [{ id: 2, type: 'bye', keepMs: '1h' }, '2: keepMs: got "1h"; give milliseconds from 1 to 86400000'],
    [{ id: 2, type: 'claim' }, '2: labels: missing; give a list of key=value'],
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
      '2: bounds: not digests of identities',
    ],
    [
      { id: 2, type: 'claim', labels: ['a=b'], bounds: { only: Array(201).fill('a'.repeat(16)) } },
      '2: bounds: 201 resources; at most 200 allowed',
    ],
    [{ id: 2, type: 'claim', labels: ['a'] }, '2: no label with a value; send label=<key>=<value>'],
  ])('is refused with the reason: %j', (line, reason) => {
    expect(refusalOf(line)).toBe(reason);
  });

  it('is parsed without an exception, whatever it contains', () => {
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
