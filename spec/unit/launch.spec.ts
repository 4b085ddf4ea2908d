import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { connectionKey, type Endpoint } from '../../lib/engine/endpoint';
import { parseEngineId } from '../../lib/engine/engine-id';
import { parseEndpoint } from '../../lib/engine/parse-endpoint';
import type { Engine } from '../../lib/engine/engine';
import { findEngineSocketPaths } from '../../lib/lease/engine-socket';
import { hostEnvironment } from '../../lib/lease/host-environment';
import { hostSocketPath, type HostFacts } from '../../lib/lease/host-socket';
import { chooseReaper } from '../../lib/lease/reaper-choice';

describe('the choice of a reaper', () => {
  it.each([
    ['container', 'process', 'container'],
    [undefined, 'process', 'process'],
    [undefined, '', 'auto'],
    [undefined, undefined, 'auto'],
    ['off', 'container', 'off'],
  ])('the option %j and CASTOFF_REAPER=%j choose %s', (option, variable, mode) => {
    expect(chooseReaper(option, { CASTOFF_REAPER: variable })).toBe(mode);
  });

  it.each(['127.0.0.1:8080', '[::1]:8080', 'build-7:1', '/run/castoff/reaper.sock', '\\\\.\\pipe\\castoff'])(
    'an address chooses the reaper that runs there: %s',
    (address) => {
      expect(chooseReaper({ address, token: 'a secret' }, { CASTOFF_REAPER: 'off' })).toEqual({
        address,
        token: 'a secret',
      });
    },
  );

  it.each([
    [{ address: 'reaper' }, /^reaper option: address: got "reaper"; give host:port/],
    [{ address: ':8080' }, /got ":8080"/],
    [{ address: 'build-7:65536' }, /got "build-7:65536"/],
    [{ address: 'build-7:0' }, /got "build-7:0"/],
    [{ address: '::1:8080' }, /got "::1:8080"/],
    [{ address: './reaper.sock' }, /got ".\/reaper.sock"/],
    [{ address: 8080 as never }, /got 8080/],
    [{ address: 'a:1', token: '' }, /token: give a string/],
    [{ address: 'a:1', port: 8080 } as never, /unknown option port; known options are address, token/],
  ])('the reaper %j is CONFIG_INVALID', (reaper, message) => {
    expect(() => chooseReaper(reaper)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringMatching(message) }),
    );
  });

  it.each([
    ['sidecar', undefined, 'reaper option: got "sidecar"; give one of auto, container, process, off'],
    [
      undefined,
      'no',
      'CASTOFF_REAPER: got "no"; give one of auto, container, process, off, or the address of a reaper: tcp://host:port or unix:///path/of/its.sock',
    ],
    [undefined, 'tcp://ci', /^CASTOFF_REAPER: address: got "tcp:\/\/ci"; give host:port/],
  ])('the option %j and CASTOFF_REAPER=%j are CONFIG_INVALID', (option, variable, message) => {
    expect(() => chooseReaper(option, { CASTOFF_REAPER: variable })).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: typeof message === 'string' ? message : expect.stringMatching(message),
      }),
    );
  });

  it('takes an address from CASTOFF_REAPER, with the token of its own variable or of a file', () => {
    const address = 'tcp://ci-7:8080';
    const choose = (more: object) => chooseReaper(undefined, { CASTOFF_REAPER: address, ...more });
    expect(choose({})).toEqual({ address, token: undefined });
    expect(choose({ CASTOFF_REAPER_TOKEN: 'secret' })).toEqual({ address, token: 'secret' });
    const file = join(mkdtempSync(join(tmpdir(), 'castoff-token-')), 'token');
    writeFileSync(file, 'of the file\n');
    expect(choose({ CASTOFF_REAPER_TOKEN_FILE: file })).toEqual({ address, token: 'of the file' });
    rmSync(dirname(file), { recursive: true });
    expect(() => choose({ CASTOFF_REAPER_TOKEN_FILE: file })).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining(`CASTOFF_REAPER_TOKEN_FILE: read ${file}: ENOENT`),
      }),
    );
    expect(chooseReaper(undefined, { CASTOFF_REAPER: 'unix:///run/reaper.sock' })).toMatchObject({
      address: 'unix:///run/reaper.sock',
    });
  });
});

describe("the path of the engine's socket to mount into a container", () => {
  const usual = '/var/run/docker.sock';
  it.each([
    ['a local engine', 'unix:///var/run/docker.sock', 'Debian GNU/Linux 12', undefined, [usual]],
    [
      'a rootless engine',
      'unix:///run/user/7/docker.sock',
      'Debian',
      undefined,
      ['/run/user/7/docker.sock', usual],
    ],
    ['Docker Desktop', 'unix:///Users/a/.docker/run/docker.sock', 'Docker Desktop', undefined, [usual]],
    ['another host', 'tcp://build:2376', 'Debian', undefined, [usual]],
    ['another host over ssh', 'ssh://me@build', 'Debian', undefined, [usual]],
    [
      'a rootless engine on another host over ssh',
      'ssh://me@build:22/run/user/7/my%20docker.sock',
      'Debian',
      undefined,
      ['/run/user/7/my docker.sock', usual],
    ],
    ['Windows', 'npipe:////./pipe/docker_engine', 'Docker Desktop', undefined, [usual]],
    ['an override', 'unix:///x.sock', 'Docker Desktop', '/y.sock', ['/y.sock']],
  ])('lists the paths to mount for %s', async (_where, address, operatingSystem, override, paths) => {
    const engine = {
      address,
      get: async () => ({ meaning: 'done', value: { OperatingSystem: operatingSystem } }),
    };
    const environment = { TESTCONTAINERS_DOCKER_SOCKET_OVERRIDE: override };
    expect(await findEngineSocketPaths(engine as unknown as Engine, environment)).toEqual(paths);
  });
});

const secure = (key: string): Endpoint =>
  parseEndpoint('tcp://build', 'spec', { ca: 'ca', cert: 'cert', key, isVerified: true });

describe('the key of a connection', () => {
  it.each([
    ['another key', secure('other')],
    ['no TLS', parseEndpoint('tcp://build:2376', 'spec')],
  ])('a connection with %s has another key at the same address', (_what, other) => {
    expect(other.address).toBe(secure('key').address);
    expect(connectionKey(other)).not.toBe(connectionKey(secure('key')));
    expect(connectionKey(secure('key'))).toBe(connectionKey(secure('key')));
  });
});

describe('the id of an engine', () => {
  // Docker 20.10.24 and, twice, Podman 4.3.1.
  const docker = { ID: 'YWQV:YWSO:C37T:5GTN', Name: 'vm', DockerRootDir: '/var/lib/docker' };
  const podman = (id: string) => ({
    ID: id,
    DockerRootDir: '/var/lib/containers/storage',
    Name: 'vm',
    BuildahVersion: '1.28.2',
  });

  it('Docker is identified by its id, and Podman, which reports a new id each time, by its storage', () => {
    expect(parseEngineId(docker, { isPodman: false })).toBe('YWQV:YWSO:C37T:5GTN');
    const [one, other] = ['bd140515-44dd', 'de8ce6d9-aac6'].map((id) =>
      parseEngineId(podman(id), { isPodman: true }),
    );
    expect(one).toBe('podman vm /var/lib/containers/storage');
    expect(other).toBe(one);
  });

  it('an engine that reports no id has none', () => {
    expect(parseEngineId({ ID: '' }, { isPodman: false })).toBeUndefined();
    expect(parseEngineId({ Name: 'vm' }, { isPodman: true })).toBeUndefined();
  });
});

describe('the socket of the host process', () => {
  const facts: HostFacts = {
    platform: 'linux',
    folder: '/tmp/castoff-7',
    shortFolder: '/tmp/castoff-7',
    connection: 'unix:///var/run/docker.sock',
    engineId: 'YWQV:YWSO',
    version: '0.1.0',
  };

  it('equal facts give the same socket path', () => {
    expect(hostSocketPath(facts)).toMatch(/^\/tmp\/castoff-7\/reaper-[0-9a-f]{12}\.sock$/);
    expect(hostSocketPath({ ...facts })).toBe(hostSocketPath(facts));
  });

  it.each([
    ['address', { connection: 'unix:///run/podman/podman.sock' }],
    ['certificate', { connection: connectionKey(secure('key')) }],
    ['engine behind the same address', { engineId: 'QX3L:7YTC' }],
    ['version', { version: '0.1.1' }],
    ['folder', { folder: '/tmp/castoff-8' }],
  ])('another %s gives another socket path', (_what, other) => {
    expect(hostSocketPath({ ...facts, ...other })).not.toBe(hostSocketPath(facts));
  });

  it('the socket is in the short folder when the other path is too long to bind', () => {
    const folder = `/var/folders/${'x'.repeat(80)}/T/castoff-501`;
    expect(hostSocketPath({ ...facts, folder })).toMatch(/^\/tmp\/castoff-7\/reaper-/);
    // The longest path: 103 bytes, of which 8 are for a pid.
    const longest = `/${'x'.repeat(95 - join('/', 'reaper-0123456789ab.sock').length - 1)}`;
    expect(hostSocketPath({ ...facts, folder: longest })).toHaveLength(95);
    expect(hostSocketPath({ ...facts, folder: `${longest}x` })).toMatch(/^\/tmp\/castoff-7\/reaper-/);
  });

  it('the socket is a named pipe on Windows', () => {
    expect(hostSocketPath({ ...facts, platform: 'win32' })).toMatch(
      /^\\\\\.\\pipe\\castoff-reaper-[0-9a-f]{12}$/,
    );
  });
});

describe('the environment of the host process', () => {
  const user = {
    PATH: '/bin',
    HOME: '/root',
    NODE_OPTIONS: '--inspect',
    GITHUB_TOKEN: 'secret',
    JEST_WORKER_ID: '1',
  };

  it('a host process gets the variables that it needs, and no others', () => {
    const reaper = {
      CASTOFF_REAPER_GRACE: '1s',
      CASTOFF_REAPER_MAX_REMOVALS: 'none',
      CASTOFF_REAPER_WATCH: '0',
    };
    expect(hostEnvironment({ ...user, DOCKER_HOST: 'unix:///x.sock', ...reaper })).toEqual({
      PATH: '/bin',
      HOME: '/root',
      ...reaper,
    });
  });

  it('a host process gets absolute paths', () => {
    const here = process.cwd();
    expect(hostEnvironment({ TMPDIR: 'tmp', XDG_RUNTIME_DIR: '/run/user/7', PATH: 'bin:/bin' })).toEqual({
      TMPDIR: join(here, 'tmp'),
      XDG_RUNTIME_DIR: '/run/user/7',
      PATH: `${join(here, 'bin')}:/bin`,
    });
  });
});
