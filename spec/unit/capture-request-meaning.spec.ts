import { describe, expect, it } from '@jest/globals';
import { meaningOfRequest } from '../../lib/capture/request-meaning';

const meaning = (line: string) => {
  const [method = '', path = ''] = line.split(' ');
  return meaningOfRequest(method, path);
};

describe('meaningOfRequest', () => {
  it.each([
    ['POST /containers/create?name=web', 'container', 'body'],
    ['POST /v1.41/containers/create', 'container', 'body'],
    ['POST /v4/networks/create', 'network', 'body'],
    ['POST /v5.0.0-dev/networks/create', 'network', 'body'],
    ['POST /volumes/create?', 'volume', 'body'],
    ['POST /build?t=app%3A1', 'image', 'query'],
    ['POST /commit?container=3f2a', 'image', 'changes'],
    ['POST /images/create?fromSrc=-&repo=app', 'image', 'changes'],
  ])('reads %s as the creation of a %s', (line, kind, labelsGoInto) => {
    expect(meaning(line)).toEqual({ type: 'create', kind, labelsGoInto });
  });

  it.each([
    ['DELETE /containers/3f2a?force=true&v=true', 'container', '3f2a'],
    ['DELETE /v1.41/networks/app_default', 'network', 'app_default'],
    ['DELETE /volumes/my%20data', 'volume', 'my data'],
    ['DELETE /images/localhost:5000/app/web:1', 'image', 'localhost:5000/app/web:1'],
    ['DELETE /images/sha256%3A3fd9', 'image', 'sha256:3fd9'],
    ['DELETE /volumes/50%', 'volume', '50%'],
  ])('reads %s as the removal of a %s', (line, kind, ref) => {
    expect(meaning(line)).toEqual({ type: 'remove', kind, ref });
  });

  it.each([
    ['POST /containers/3f2a/stop?t=2', { type: 'stop', ref: '3f2a', graceMs: 2_000 }],
    ['POST /containers/3f2a/stop?t=0', { type: 'stop', ref: '3f2a', graceMs: 0 }],
    ['POST /v1.41/containers/web/stop', { type: 'stop', ref: 'web' }],
    ['POST /containers/web/stop?t=-1', { type: 'stop', ref: 'web' }],
    ['POST /containers/web/kill?signal=SIGTERM', { type: 'kill', ref: 'web' }],
  ])('reads %s as stopping or killing a container', (line, wanted) => {
    expect(meaning(line)).toEqual(wanted);
  });

  it.each([
    'GET /containers/json',
    'GET /containers/create',
    'POST /containers/3f2a/start',
    'POST /images/create?fromImage=redis&tag=7',
    'POST /images/load',
    'POST /containers/prune',
    'POST /api/containers/create',
    'POST /v4.0.0/libpod/containers/create',
    'POST /v5.0.0-dev/libpod/containers/create',
    'POST /toString',
    'POST /',
    'PUT /build',
    'DELETE /containers/3f2a/json',
    'DELETE /constructor/3f2a',
    'DELETE /containers/',
    'DELETE /build/cache/3f2a',
  ])('ignores %s', (line) => {
    expect(meaning(line)).toBeUndefined();
  });
});
