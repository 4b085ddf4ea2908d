import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readEngineFacts, readEnvTls, type Machine } from '../../lib/engine/engine-facts';

let home: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'castoff-home-'));
});

afterEach(() => rm(home, { recursive: true }));

function machine(env: Machine['env'] = {}): Machine {
  return { platform: 'linux', home, uid: 1000, env };
}

async function write(path: string, content: string): Promise<string> {
  const file = join(home, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
  return file;
}

function idOf(context: string): string {
  return createHash('sha256').update(context).digest('hex');
}

function writeMeta(context: string, meta: unknown, folder = '.docker'): Promise<string> {
  const text = typeof meta === 'string' ? meta : JSON.stringify(meta);
  return write(`${folder}/contexts/meta/${idOf(context)}/meta.json`, text);
}

async function writePems(folder: string): Promise<void> {
  await write(`${folder}/ca.pem`, 'CA');
  await write(`${folder}/cert.pem`, 'CERT');
  await write(`${folder}/key.pem`, 'KEY');
}

const pems = { ca: 'CA', cert: 'CERT', key: 'KEY' };

it('finds nothing in an empty home', async () => {
  expect(await readEngineFacts(machine())).toEqual({ ...machine(), contexts: [], testcontainers: {} });
});

describe('config.json', () => {
  it.each([
    ['{"auths":{},"currentContext":"remote"}', 'remote'],
    ['{"auths":{}}', undefined],
    ['', undefined],
  ])('%s has the current context %j', async (content, expected) => {
    await write('.docker/config.json', content);
    expect((await readEngineFacts(machine())).currentContext).toBe(expected);
  });

  it('is read from DOCKER_CONFIG', async () => {
    await write('.docker/config.json', '{"currentContext":"one"}');
    await write('elsewhere/config.json', '{"currentContext":"other"}');
    const facts = await readEngineFacts(machine({ DOCKER_CONFIG: join(home, 'elsewhere') }));
    expect(facts.currentContext).toBe('other');
  });

  it('does not exist when DOCKER_CONFIG is not a folder, such as /dev/null', async () => {
    const env = { DOCKER_CONFIG: await write('null', '') };
    expect(await readEngineFacts(machine(env))).toEqual({
      ...machine(env),
      contexts: [],
      testcontainers: {},
    });
  });

  it.each([
    ['{"currentContext":', /invalid JSON: .+; fix the file or move it away$/],
    ['[]', /not a JSON object/],
    ['{"currentContext":1}', /currentContext is not a string: 1/],
  ])('is named in the error when it is %s', async (content, reason) => {
    const file = await write('.docker/config.json', content);
    const error: unknown = await readEngineFacts(machine()).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringMatching(reason) });
    expect(error).toMatchObject({ message: expect.stringContaining(`read ${file}: `) });
  });

  it('is named in the error when it is a folder, as a bind mount creates one', async () => {
    const file = join(home, '.docker/config.json');
    await mkdir(file, { recursive: true });
    await expect(readEngineFacts(machine())).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(file),
      cause: { code: 'EISDIR' },
    });
  });
});

describe('docker contexts', () => {
  it('are read with their TLS settings', async () => {
    const docker = { Host: 'tcp://10.0.0.1:2376', SkipTLSVerify: false };
    await writeMeta('secure', { Name: 'secure', Metadata: {}, Endpoints: { docker } });
    await writePems(`.docker/contexts/tls/${idOf('secure')}/docker`);
    await writeMeta('lax', { Name: 'lax', Endpoints: { docker: { Host: 'tcp://x', SkipTLSVerify: true } } });
    await writeMeta('plain', { Name: 'plain', Endpoints: { docker: { Host: 'unix:///x' } } });
    await writeMeta('hostless', { Name: 'hostless', Endpoints: { docker: {} } });
    await writeMeta('other', { Name: 'other', Endpoints: { kubernetes: {} } });
    const folderOf = (name: string): string => join(home, `.docker/contexts/tls/${idOf(name)}/docker`);
    const { contexts } = await readEngineFacts(machine());
    expect(contexts).toEqual([
      { name: 'hostless', host: '' },
      { name: 'lax', host: 'tcp://x', tls: { isVerified: false, folder: folderOf('lax') } },
      { name: 'other' },
      { name: 'plain', host: 'unix:///x' },
      {
        name: 'secure',
        host: 'tcp://10.0.0.1:2376',
        tls: { ...pems, isVerified: true, folder: folderOf('secure') },
      },
    ]);
  });

  it.each<[file: string, content: string, env: Machine['env']]>([
    ['.docker/config.json', '{"currentContext":"broken"}', {}],
    ['.docker/config.json', '{"currentContext":"whole"}', { DOCKER_CONTEXT: 'broken' }],
  ])('are named in the error when they are in use and cannot be read', async (file, content, env) => {
    await write(file, content);
    const meta = await writeMeta('broken', '{');
    await writeMeta('whole', { Name: 'whole' });
    await expect(readEngineFacts(machine(env))).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(`read ${meta}: invalid JSON`),
    });
  });

  it.each([
    ['{}', 'Name is missing'],
    ['{"Name":"chosen","Endpoints":{"docker":{"Host":1}}}', 'Host is not a string: 1'],
  ])('are rejected when they are in use and are %s', async (content, reason) => {
    const meta = await writeMeta('chosen', content);
    await expect(readEngineFacts(machine({ DOCKER_CONTEXT: 'chosen' }))).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(`read ${meta}: ${reason}`),
    });
  });

  it('are skipped when they cannot be read and another one is in use', async () => {
    await writeMeta('broken', '{');
    await writeMeta('whole', { Name: 'whole' });
    const { contexts } = await readEngineFacts(machine({ DOCKER_CONTEXT: 'whole' }));
    expect(contexts).toEqual([{ name: 'whole' }]);
  });
});

/** Resolves relative paths in `env` against the temporary home. */
function placeInHome({
  DOCKER_CERT_PATH: certs,
  DOCKER_CONFIG: config,
  ...others
}: Machine['env']): Machine['env'] {
  return {
    ...others,
    ...(certs && { DOCKER_CERT_PATH: join(home, certs) }),
    ...(config && { DOCKER_CONFIG: join(home, config) }),
  };
}

describe('TLS of the environment', () => {
  it.each<[env: Machine['env'], tls: object | undefined, folder?: string]>([
    [{}, undefined],
    [{ DOCKER_TLS_VERIFY: '' }, undefined],
    [{ DOCKER_TLS_VERIFY: '1' }, { ...pems, isVerified: true }],
    [{ DOCKER_TLS: '1' }, { ...pems, isVerified: false }],
    [
      { DOCKER_TLS: '1', DOCKER_TLS_VERIFY: '1' },
      { ...pems, isVerified: true },
    ],
    [{ DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: 'empty' }, { isVerified: true }, 'empty'],
    [{ DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: 'other' }, { ca: 'OTHER', isVerified: true }, 'other'],
    [{ DOCKER_TLS_VERIFY: '1', DOCKER_CONFIG: 'other' }, { ca: 'OTHER', isVerified: true }, 'other'],
  ])('is read for %j', async (env, tls, folder = '.docker') => {
    await writePems('.docker');
    await write('other/ca.pem', 'OTHER');
    const there = machine(placeInHome(env));
    const expected = tls && { ...tls, folder: join(home, folder) };
    expect(await readEnvTls(there)).toEqual(expected);
    expect((await readEngineFacts(there)).tls).toEqual(expected);
  });
});

async function propertiesFrom(text: string, env: Machine['env'] = {}): Promise<unknown> {
  await write('.testcontainers.properties', text);
  return (await readEngineFacts(machine(env))).testcontainers;
}

describe('~/.testcontainers.properties', () => {
  it.each([
    ['tc.host=tcp://127.0.0.1:1\n', { tcHost: 'tcp://127.0.0.1:1' }],
    ['# tc.host=tcp://no\r\n  docker.host = tcp://yes:1 \r\nempty=\r\n', { dockerHost: 'tcp://yes:1' }],
    ['docker.host=tcp\\://as-java-writes\\:1', { dockerHost: 'tcp://as-java-writes:1' }],
    ['docker.host=unix:///a=b', { dockerHost: 'unix:///a=b' }],
    ['docker.host=one\ndocker.host=two', { dockerHost: 'two' }],
    ['other=1\n!tc.host=x\nnothing\n', {}],
  ])('with %j sets %j', async (text, expected) => {
    expect(await propertiesFrom(text)).toEqual(expected);
  });

  it('is overridden by the DOCKER_CERT_PATH of the environment', async () => {
    await write('other/ca.pem', 'OTHER');
    const lines = 'docker.host=tcp://x\ndocker.tls.verify=1\ndocker.cert.path=/nowhere';
    const found = await propertiesFrom(lines, { DOCKER_CERT_PATH: join(home, 'other') });
    const folder = join(home, 'other');
    expect(found).toEqual({ dockerHost: 'tcp://x', tls: { ca: 'OTHER', isVerified: true, folder } });
  });

  it.each<[lines: string, env: Machine['env'], tls: object | undefined]>([
    ['docker.tls.verify=1\ndocker.cert.path={certs}', {}, { ...pems, isVerified: true }],
    ['docker.tls.verify=true\ndocker.cert.path={certs}', {}, { ...pems, isVerified: true }],
    ['docker.tls.verify=0\ndocker.cert.path={certs}', {}, undefined],
    ['docker.tls.verify=1', {}, undefined],
    ['docker.cert.path={certs}', { DOCKER_TLS_VERIFY: '1' }, { ...pems, isVerified: true }],
    ['docker.tls.verify=1\ndocker.cert.path={certs}', { DOCKER_TLS_VERIFY: '0' }, undefined],
  ])('sets the TLS settings of docker.host from %j in the environment %j', async (lines, env, tls) => {
    await writePems('certs');
    const certs = join(home, 'certs').replaceAll('\\', '\\\\');
    const text = `docker.host=tcp://x\n${lines.replace('{certs}', certs)}`;
    const expected = tls && { ...tls, folder: join(home, 'certs') };
    expect(await propertiesFrom(text, env)).toEqual({ dockerHost: 'tcp://x', tls: expected });
  });
});
