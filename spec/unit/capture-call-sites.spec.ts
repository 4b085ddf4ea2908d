import fs from 'node:fs';
import querystring from 'node:querystring';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { watchCallSites } from '../../lib/capture/call-sites';
import { userLineHere } from '../../lib/capture/user-line';
import { nextLine } from '../support/this-line';

/** Serializes a query as docker-modem does. */
function buildQuerystring(options: querystring.ParsedUrlQueryInput): string {
  const query = querystring.stringify(options);
  return query;
}

describe('watchCallSites', () => {
  it('returns the line for a query once per call, oldest first', () => {
    const callSites = watchCallSites(userLineHere);
    const line = nextLine();
    const [query] = ['web', 'web', 'db'].map((name) => buildQuerystring({ name }));
    const taken = [query, query, query, 'name=db'].map((one) => callSites.take(one ?? ''));
    // The line is in buildQuerystring, which belongs to this file.
    expect(new Set(taken)).toEqual(new Set([taken[0], undefined]));
    expect(taken.map((one) => one !== undefined)).toEqual([true, true, false, true]);
    expect(taken[0]).toContain(line.replace(/\d+$/, ''));
    callSites.stop();
  });

  it('ignores queries that docker-modem does not build', () => {
    const callSites = watchCallSites(userLineHere);
    const query = querystring.stringify({ name: 'web' });
    expect(query).toBe('name=web');
    expect(callSites.take(query)).toBeUndefined();
    callSites.stop();
  });

  it('returns undefined if finding the line fails, and does not disturb the call', () => {
    const callSites = watchCallSites(() => {
      throw new Error('ENOENT: uv_cwd');
    });
    const query = buildQuerystring({ name: 'web' });
    expect(query).toBe('name=web');
    expect(callSites.take(query)).toBeUndefined();
    callSites.stop();
  });

  it('restores the functions of Node.js when stopped', async () => {
    const own = { stringify: querystring.stringify, readFile: fs.readFile };
    const callSites = watchCallSites(userLineHere);
    const theirs = querystring.stringify;
    expect(theirs).not.toBe(own.stringify);
    expect(await promisify(fs.readFile)(__filename, 'utf8')).toContain('restores the functions of Node.js');
    callSites.stop();
    expect({ stringify: querystring.stringify, readFile: fs.readFile }).toEqual(own);
    expect(theirs({ a: 1 })).toBe('a=1');
  });
});
