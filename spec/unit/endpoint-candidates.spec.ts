import { describe, expect, it } from '@jest/globals';
import { endpointCandidates } from '../../lib/engine/candidates';
import type { Tls } from '../../lib/engine/endpoint';
import type { EngineFacts } from '../../lib/engine/engine-facts';

const tls: Tls = { ca: 'CA', cert: 'CERT', key: 'KEY', isVerified: true };
const linux: EngineFacts = {
  platform: 'linux',
  home: '/home/ann',
  uid: 1000,
  env: { XDG_RUNTIME_DIR: '/run/user/1000' },
  contexts: [],
  testcontainers: {},
};
const macos: EngineFacts = {
  ...linux,
  platform: 'darwin',
  home: '/Users/ann',
  uid: 501,
  env: { TMPDIR: '/var/folders/1c/x/T/' },
};
const windows: EngineFacts = {
  ...linux,
  platform: 'win32',
  home: 'C:\\Users\\ann',
  uid: undefined,
  env: { TMPDIR: 'C:\\Temp' },
};
const contexts = [
  { name: 'desktop-linux', host: 'unix:///home/ann/.docker/desktop/docker.sock' },
  { name: 'empty', host: '' },
  { name: 'kubernetes' },
  { name: 'remote', host: 'tcp://10.0.0.1:2376', tls },
];

/** Formats each candidate as `address (from)`, in order. */
function places(facts: EngineFacts): string[] {
  return endpointCandidates(facts).map(({ address, from }) => `${address} (${from})`);
}

const usualOnLinux = [
  'unix:///var/run/docker.sock (default socket)',
  'unix:///run/user/1000/docker.sock (rootless Docker socket)',
  'unix:///home/ann/.docker/run/docker.sock (rootless Docker socket)',
  'unix:///home/ann/.docker/desktop/docker.sock (Docker Desktop socket)',
  'unix:///run/user/1000/podman/podman.sock (rootless Podman socket)',
  'unix:///run/podman/podman.sock (Podman socket)',
];

describe('without configuration', () => {
  it.each<[where: string, facts: EngineFacts, expected: string[]]>([
    ['Linux', linux, usualOnLinux],
    [
      'Linux without XDG_RUNTIME_DIR',
      { ...linux, env: {} },
      [
        'unix:///var/run/docker.sock (default socket)',
        'unix:///home/ann/.docker/run/docker.sock (rootless Docker socket)',
        'unix:///home/ann/.docker/desktop/docker.sock (Docker Desktop socket)',
        'unix:///run/user/1000/docker.sock (rootless Docker socket)',
        'unix:///run/user/1000/podman/podman.sock (rootless Podman socket)',
        'unix:///run/podman/podman.sock (Podman socket)',
      ],
    ],
    [
      'Linux with another XDG_RUNTIME_DIR',
      { ...linux, env: { XDG_RUNTIME_DIR: '/tmp/ann' } },
      [
        'unix:///var/run/docker.sock (default socket)',
        'unix:///tmp/ann/docker.sock (rootless Docker socket)',
        'unix:///home/ann/.docker/run/docker.sock (rootless Docker socket)',
        'unix:///home/ann/.docker/desktop/docker.sock (Docker Desktop socket)',
        'unix:///run/user/1000/docker.sock (rootless Docker socket)',
        'unix:///tmp/ann/podman/podman.sock (rootless Podman socket)',
        'unix:///run/user/1000/podman/podman.sock (rootless Podman socket)',
        'unix:///run/podman/podman.sock (Podman socket)',
      ],
    ],
    [
      'macOS',
      macos,
      [
        'unix:///var/run/docker.sock (default socket)',
        'unix:///Users/ann/.docker/run/docker.sock (Docker Desktop socket)',
        'unix:///Users/ann/.docker/desktop/docker.sock (Docker Desktop socket)',
        'unix:///var/folders/1c/x/T/podman/podman-machine-default-api.sock (Podman machine socket)',
        'unix:///Users/ann/.local/share/containers/podman/machine/podman.sock (Podman machine socket)',
      ],
    ],
    [
      'Windows',
      windows,
      [
        'npipe:////./pipe/docker_engine (default pipe)',
        'npipe:////./pipe/podman-machine-default (Podman machine pipe)',
      ],
    ],
  ])('the candidates are the default addresses of %s', (_where, facts, expected) => {
    expect(places(facts)).toEqual(expected);
  });
});

describe('DOCKER_HOST', () => {
  it('is the only candidate, even if others are configured', () => {
    const env = { DOCKER_HOST: 'tcp://10.0.0.9', DOCKER_CONTEXT: 'remote' };
    const testcontainers = { tcHost: 'tcp://127.0.0.1:1', dockerHost: 'tcp://127.0.0.1:2' };
    const facts = { ...linux, env, contexts, testcontainers, currentContext: 'desktop-linux' };
    expect(places(facts)).toEqual(['tcp://10.0.0.9:2375 (DOCKER_HOST)']);
  });

  it('uses the TLS settings of the environment', () => {
    const [endpoint] = endpointCandidates({ ...linux, env: { DOCKER_HOST: 'tcp://10.0.0.9' }, tls });
    expect(endpoint).toEqual({
      address: 'tcp://10.0.0.9:2376',
      from: 'DOCKER_HOST',
      transport: { type: 'tcp', host: '10.0.0.9', port: 2376, tls },
    });
  });

  it('counts as unset when empty', () => {
    expect(places({ ...linux, env: { ...linux.env, DOCKER_HOST: '', DOCKER_CONTEXT: '' } })).toEqual(
      usualOnLinux,
    );
  });

  it('is named in the error when it is invalid', () => {
    const facts = { ...linux, env: { DOCKER_HOST: 'ftp://docker' } };
    expect(() => endpointCandidates(facts)).toThrow(
      /^DOCKER_HOST: got "ftp:\/\/docker", whose scheme ftp:\/\/ is not supported/,
    );
  });
});

describe('DOCKER_CONTEXT', () => {
  it.each<[name: string, facts: EngineFacts, expected: string]>([
    ['remote', linux, 'tcp://10.0.0.1:2376 (docker context "remote")'],
    ['default', linux, 'unix:///var/run/docker.sock (docker context "default")'],
    ['default', windows, 'npipe:////./pipe/docker_engine (docker context "default")'],
    ['empty', linux, 'unix:///var/run/docker.sock (docker context "empty")'],
  ])('is the only candidate: %s', (name, facts, expected) => {
    const testcontainers = { tcHost: 'tcp://127.0.0.1:1' };
    const env = { DOCKER_CONTEXT: name };
    expect(places({ ...facts, env, contexts, testcontainers, currentContext: 'desktop-linux' })).toEqual([
      expected,
    ]);
  });

  it('uses the TLS settings of its context, not those of the environment', () => {
    const own = { ca: 'OTHER', isVerified: false };
    const [endpoint] = endpointCandidates({
      ...linux,
      env: { DOCKER_CONTEXT: 'remote' },
      contexts,
      tls: own,
    });
    expect(endpoint?.transport).toEqual({ type: 'tcp', host: '10.0.0.1', port: 2376, tls });
  });

  it('is rejected with the names of the existing contexts when it names none of them', () => {
    expect(() => endpointCandidates({ ...linux, env: { DOCKER_CONTEXT: 'remot' }, contexts })).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message:
          'DOCKER_CONTEXT: context "remot" does not exist; use one of "default", "desktop-linux", "empty", "kubernetes", "remote"',
      }),
    );
  });

  it('is rejected when its context has no docker endpoint', () => {
    expect(() => endpointCandidates({ ...linux, env: { DOCKER_CONTEXT: 'kubernetes' }, contexts })).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: 'docker context "kubernetes": no docker endpoint; use another context or set DOCKER_HOST',
      }),
    );
  });
});

describe('the current context of docker', () => {
  it('comes first, before the default addresses, without duplicates', () => {
    expect(places({ ...linux, contexts, currentContext: 'desktop-linux' })).toEqual([
      'unix:///home/ann/.docker/desktop/docker.sock (docker context "desktop-linux")',
      ...usualOnLinux.filter((place) => !place.includes('desktop')),
    ]);
  });

  it.each([['default'], ['']])('changes nothing when it is %j', (currentContext) => {
    expect(places({ ...linux, contexts, currentContext })).toEqual(usualOnLinux);
  });

  it('is rejected when it does not exist', () => {
    expect(() => endpointCandidates({ ...linux, contexts: [], currentContext: 'gone' })).toThrow(
      'the current context of docker: context "gone" does not exist; use one of "default"',
    );
  });
});

describe('~/.testcontainers.properties', () => {
  const file = '~/.testcontainers.properties';

  it('comes after the current context and before the default addresses, with tc.host first', () => {
    const testcontainers = { tcHost: 'tcp://127.0.0.1:1', dockerHost: 'tcp://127.0.0.1:2' };
    expect(places({ ...linux, contexts, testcontainers, currentContext: 'remote' })).toEqual([
      'tcp://10.0.0.1:2376 (docker context "remote")',
      `tcp://127.0.0.1:1 (tc.host in ${file})`,
      `tcp://127.0.0.1:2 (docker.host in ${file})`,
      ...usualOnLinux,
    ]);
  });

  it('has its own TLS settings for docker.host, and none for tc.host', () => {
    const testcontainers = { tcHost: 'tcp://10.0.0.1', dockerHost: 'tcp://10.0.0.2', tls };
    const transports = endpointCandidates({ ...linux, testcontainers }).map(({ transport }) => transport);
    expect(transports.slice(0, 2)).toEqual([
      { type: 'tcp', host: '10.0.0.1', port: 2375 },
      { type: 'tcp', host: '10.0.0.2', port: 2376, tls },
    ]);
  });

  it('is named in the error when an address in it is invalid', () => {
    const facts = { ...linux, testcontainers: { dockerHost: 'ftp://x' } };
    expect(() => endpointCandidates(facts)).toThrow(`docker.host in ${file}: got "ftp://x"`);
  });
});
