import fs from 'node:fs';
import querystring from 'node:querystring';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { watchCallSites } from '../../lib/capture/call-sites';
import { userLineHere } from '../../lib/capture/user-line';
import { nextLine } from '../support/this-line';

/** As docker-modem writes a query. */
function buildQuerystring(options: querystring.ParsedUrlQueryInput): string {
  const query = querystring.stringify(options);
  return query;
}

describe('the lines of callSites', () => {
  it('are known by the query, each once and the first first', () => {
    const callSites = watchCallSites(userLineHere);
    const line = nextLine();
    const [query] = ['web', 'web', 'db'].map((name) => buildQuerystring({ name }));
    const taken = [query, query, query, 'name=db'].map((one) => callSites.take(one ?? ''));
    // The line in buildQuerystring, which is a function of this file.
    expect(new Set(taken)).toEqual(new Set([taken[0], undefined]));
    expect(taken.map((one) => one !== undefined)).toEqual([true, true, false, true]);
    expect(taken[0]).toContain(line.replace(/\d+$/, ''));
    callSites.stop();
  });

  it('are not noted of what others write', () => {
    const callSites = watchCallSites(userLineHere);
    const query = querystring.stringify({ name: 'web' });
    expect(query).toBe('name=web');
    expect(callSites.take(query)).toBeUndefined();
    callSites.stop();
  });

  it('are unknown where they cannot be found, and the call goes on', () => {
    const callSites = watchCallSites(() => {
      throw new Error('ENOENT: uv_cwd');
    });
    const query = buildQuerystring({ name: 'web' });
    expect(query).toBe('name=web');
    expect(callSites.take(query)).toBeUndefined();
    callSites.stop();
  });

  it('are not looked for any more when that is over, and Node’s functions are its own again', async () => {
    const own = { stringify: querystring.stringify, readFile: fs.readFile };
    const callSites = watchCallSites(userLineHere);
    const theirs = querystring.stringify;
    expect(theirs).not.toBe(own.stringify);
    expect(await promisify(fs.readFile)(__filename, 'utf8')).toContain('the lines of callSites');
    callSites.stop();
    expect({ stringify: querystring.stringify, readFile: fs.readFile }).toEqual(own);
    expect(theirs({ a: 1 })).toBe('a=1');
  });
});
