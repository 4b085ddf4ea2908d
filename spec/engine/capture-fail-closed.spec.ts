import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sessionIdentity } from '../../lib/registry/session-identity';
import { removeLeftovers } from '../support/leftovers';
import { inATest, stageOfFile, whose } from '../support/capture-stage';
import { docker, specLabel } from '../support/things';

const stage = stageOfFile();
afterAll(() => removeLeftovers());
const body = JSON.stringify({ Image: 'castoff-spec/busybox:1', Cmd: ['true'], Labels: specLabel });

/** Sends a create request with any headers. Resolves to the status and, if it succeeded, the labels of the container. */
async function create(headers: Record<string, string> | readonly string[], content: string | Buffer) {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
  const socketPath = (process.env['DOCKER_HOST'] || 'unix:///var/run/docker.sock').replace('unix://', '');
  const options = { socketPath, path: '/containers/create', method: 'POST', headers };
  request(options, (response) => {
    let text = '';
    response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
  })
    .on('error', reject)
    .end(content);
  const { status, text } = await promise;
  const { Id } = JSON.parse(text);
  return { status, labels: Id === undefined ? {} : (await docker.getContainer(Id).inspect()).Config.Labels };
}

describe('under an invalid Docker configuration', () => {
  const before = { ...process.env };
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'castoff-config-'));
    writeFileSync(join(folder, 'config.json'), '{ "auths": ');
    process.env['DOCKER_CONFIG'] = folder;
  });
  afterAll(() => {
    for (const name of ['DOCKER_HOST', 'DOCKER_CONFIG']) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
    rmSync(folder, { recursive: true });
  });

  it.each([
    ['DOCKER_HOST is set', 'unix:///var/run/docker.sock'],
    ['DOCKER_HOST is not set', ''],
  ])('labels and registers a container when %s', async (_, host) => {
    process.env['DOCKER_HOST'] = host;
    const { labels } = await create({ 'content-type': 'application/json' }, body);
    const entry = stage.entries().at(-1);
    expect(whose(labels)).toMatchObject({ session: sessionIdentity().id, start: entry?.key });
    expect(stage.unlabelled).toEqual([]);
  });
});

describe('create requests to which labels cannot be added', () => {
  it.each([
    [
      'is sent with headers as a list',
      ['Content-Type', 'application/json', 'Host', 'x'],
      body,
      false,
      'its headers',
    ],
    [
      'is compressed',
      { 'content-type': 'application/json', 'content-encoding': 'gzip' },
      gzipSync(body),
      true,
      'its body is compressed',
    ],
  ])('sends and reports a create request that %s', async (_, headers, content, isRefused, reason) => {
    const before = stage.unlabelled.length;
    const response = await create(headers, content);
    expect(response.status >= 400).toBe(isRefused);
    expect(stage.unlabelled.slice(before)).toEqual([
      expect.stringContaining(`POST /containers/create: ${reason}`),
    ]);
  });
});

describe('tests whose names do not fit on a command line', () => {
  it.each([
    ['is 200 KB long', 'pays '.repeat(40_000)],
    ['has a NUL', 'pays \0 twice'],
  ])('labels containers of docker commands in a test whose name %s', async (_, test) => {
    stage.attributeTo({ scope: `orders › ${test}`, test });
    const [name = '', value = ''] = Object.entries(specLabel)[0] ?? [];
    const args = ['create', '--label', `${name}=${value}`, 'castoff-spec/busybox:1'];
    const id = execFileSync('docker', args, { encoding: 'utf8' }).trim();
    stage.attributeTo(inATest);
    const { Labels } = (await docker.getContainer(id).inspect()).Config;
    expect(whose(Labels)).toMatchObject({
      session: sessionIdentity().id,
      test: expect.stringMatching(/^pays /),
    });
  });
});
