import { describe, expect, it } from '@jest/globals';
import { addLabelsToBody, addLabelsToChanges, addLabelsToQuery } from '../../lib/capture/add-labels';
import { parseFields } from '../../lib/core/fields';
import { changesOf, labelsOfQuery } from '../../lib/capture/request-labels';

const labels = { 'castoff.session': 's1', 'castoff.test': 'a "b" \\ $c\nd' };

describe('addLabelsToBody', () => {
  it('adds labels and keeps the rest of the body', () => {
    const body = { Image: 'redis', Labels: { mine: 'kept' }, HostConfig: { Memory: 4_294_967_296 } };
    expect(JSON.parse(addLabelsToBody(body, labels))).toEqual({
      ...body,
      Labels: { mine: 'kept', ...labels },
    });
  });

  it.each([[{}], [{ Labels: null }], [{ Labels: undefined }]])('adds labels to %j', (body) => {
    expect(JSON.parse(addLabelsToBody(body, labels))).toEqual({ Labels: labels });
  });

  it('parses only JSON objects', () => {
    for (const text of ['', 'name=web', '[]', 'null', '"x"', '{"Image":'])
      expect(parseFields(text)).toBeUndefined();
    expect(parseFields('{}')).toEqual({});
  });
});

describe('addLabelsToQuery', () => {
  it('adds labels and keeps the spelling of the rest of the query', () => {
    const path = '/v1.41/build?t=app%3A1&labels=%7B%22mine%22%3A%22kept%22%7D&buildargs=%7B%7D&q=a+b?c';
    const made = addLabelsToQuery(path, labels);
    expect(made.startsWith('/v1.41/build?t=app%3A1&buildargs=%7B%7D&q=a+b?c&labels=')).toBe(true);
    expect(labelsOfQuery(made)).toEqual({ mine: 'kept', ...labels });
  });

  it.each(['/build', '/build?', '/build?labels=', '/build?labels=nonsense'])('adds labels to %s', (path) => {
    const made = addLabelsToQuery(path, labels);
    expect(made).toMatch(/^\/build\?labels=[^&]+$/);
    expect(labelsOfQuery(made)).toEqual(labels);
  });
});

describe('addLabelsToChanges', () => {
  it('appends one Dockerfile instruction per label', () => {
    const made = addLabelsToChanges('/commit?container=3f2a&changes=ENV+A%3Db%0ACMD+x', labels);
    expect(changesOf(made)).toEqual([
      'ENV A=b',
      'CMD x',
      'LABEL castoff.session="s1"',
      String.raw`LABEL castoff.test="a \"b\" \\ \$c d"`,
    ]);
  });

  it('adds a query to a path without one', () => {
    expect(addLabelsToChanges('/commit', { a: '' })).toBe(
      `/commit?changes=${encodeURIComponent('LABEL a=""')}`,
    );
  });
});
