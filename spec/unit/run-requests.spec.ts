import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { RegistryEntry } from '../../lib/registry/entry';
import { isCastoffError } from '../../lib/index';
import { deserializeError, serializeError } from '../../lib/wire/serialize-error';
import { parseRunRequest } from '../../lib/run/run-requests';
import { openHandle } from '../support/resource-records';
import { parseReply } from '../../lib/wire/request-connection';

const entry: RegistryEntry = {
  key: '0a1b',
  kind: 'container',
  id: 'f'.repeat(64),
  name: 'web',
  engine: 'unix:///var/run/docker.sock',
  owner: { scope: 'a.test.ts', test: 'a starts', source: 'a.test.ts:3' },
  origin: 'raw',
  registeredAt: new Date('2026-08-01T10:00:00Z'),
  state: 'present',
  since: new Date('2026-08-01T10:00:01Z'),
  leakedAt: new Date('2026-08-01T10:00:02Z'),
};

describe("a worker's line", () => {
  it('a line with a registry entry is parsed to an equal entry', () => {
    const line = JSON.stringify({ type: 'report', entry });
    expect(parseRunRequest(line)).toEqual({ id: undefined, type: 'report', asked: { entry } });
  });

  it.each([
    { type: 'join', worker: '7-0-abc' },
    { type: 'ready' },
    { type: 'claim', labels: ['a=b'] },
    { type: 'release', labels: ['a=b'], bounds: { only: ['container web'] } },
    { type: 'unlabelled', creation: 'POST /build' },
    { type: 'bye' },
    { type: 'note-death', key: '0a1b', died: 'exited, exit code 1' },
    { type: 'remove-leaks', keys: ['0a1b'] },
    { type: 'report-handles', handles: [openHandle()] },
    { type: 'await-shared', name: 'db', timeoutMs: 10, within: 'net' },
    { type: 'settle-shared', name: 'db', made: { json: '1' } },
    { type: 'settle-shared', name: 'db', made: { error: { name: 'Error', message: 'no' } } },
  ])('a request is parsed: %j', ({ type, ...asked }) => {
    expect(parseRunRequest(JSON.stringify({ id: 3, type, ...asked }))).toEqual({ id: 3, type, asked });
    expect(parseRunRequest(JSON.stringify({ type, ...asked }))).toEqual({ id: undefined, type, asked });
  });

  it.each([
    ['{"id":3,"type":"claim","labels":[]}', 3],
    ['{"id":4,"type":"await-shared","name":"","timeoutMs":1}', 4],
    ['{"id":5,"type":"settle-shared","name":"db","made":{}}', 5],
    ['{"id":6,"type":"toString"}', 6],
    ['{"id":7,"type":"claim","labels":["a=b"],"bounds":{}}', 7],
    ['{"id":8,"type":"report-handles","handles":[{"kind":"interval"}]}', 8],
    ['{"type":"report","entry":{"key":"a"}}', undefined],
    ['[1]', undefined],
    ['GET / HTTP/1.1', undefined],
  ])('an invalid line is refused, with the id of its request if it has one: %s', (text, id) => {
    const parsed = parseRunRequest(text);
    expect(parsed).toHaveProperty('refusal');
    expect(parsed.id).toBe(id);
  });

  it('parsing never throws', () => {
    const anyLine = fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      parseRunRequest(text);
      parseReply(text);
    });
    fc.assert(anyLine, { numRuns: 1_000 });
  });
});

describe('a serialized error', () => {
  it('an error keeps its message, code and stack in another process', () => {
    const thrown = Object.assign(new TypeError('no disk'), { code: 'ENOSPC' });
    const again = deserializeError(JSON.parse(JSON.stringify(serializeError(thrown))));
    expect(again).toMatchObject({
      name: 'TypeError',
      message: 'no disk',
      code: 'ENOSPC',
      stack: thrown.stack,
    });
  });

  it('a CastoffError is still a CastoffError in another process', () => {
    const again = deserializeError({ name: 'DeadlineError', message: 'late', code: 'DEADLINE_EXCEEDED' });
    expect(isCastoffError(again, 'DEADLINE_EXCEEDED')).toBe(true);
    expect(again.name).toBe('DeadlineError');
  });

  it('any thrown value can be serialized', () => {
    expect(serializeError('no disk')).toMatchObject({ name: 'Error', message: 'no disk' });
    expect(serializeError(undefined)).toMatchObject({ message: 'undefined' });
  });
});
