import { describe, expect, it } from '@jest/globals';
import { builderIn, environmentOfCommand } from '../../lib/command-run/command-environment';
import { disableRyuk } from '../../lib/core/disable-ryuk';
import type { Endpoint } from '../../lib/engine/endpoint';
import { bypassRelay, relayEndpoints } from '../../lib/engine/relayed-engine';

const relay = 'unix:///run/user/1/castoff/relay-1.sock';
const local: Endpoint = {
  address: 'unix:///var/run/docker.sock',
  from: 'default socket',
  transport: { type: 'socket', path: '/var/run/docker.sock' },
};
const remote: Endpoint = {
  address: 'tcp://build:2376',
  from: 'DOCKER_HOST',
  transport: { type: 'tcp', host: 'build', port: 2_376, tls: { isVerified: true, folder: '/certs' } },
};
const options = {
  outer: { PATH: '/bin', DOCKER_CONTEXT: 'desktop', EMPTY: '' },
  endpoint: local,
  isPodman: false,
  relay,
  socketPath: '/var/run/docker.sock',
  host: undefined,
  builder: undefined,
  isRyukDisabled: false,
};

describe('the environment of a command', () => {
  it('names the relay, and the real socket for containers that mount it', () => {
    expect(environmentOfCommand(options)).toEqual({
      PATH: '/bin',
      EMPTY: '',
      DOCKER_HOST: relay,
      TESTCONTAINERS_DOCKER_SOCKET_OVERRIDE: '/var/run/docker.sock',
      CASTOFF_RELAY: expect.any(String),
    });
  });

  it('turns off TLS for the relay of a remote engine, and has the name of its host', () => {
    const outer = { DOCKER_HOST: 'tcp://build:2376', DOCKER_TLS: '1', DOCKER_CERT_PATH: './certs' };
    const inner = environmentOfCommand({ ...options, outer, endpoint: remote, host: 'build' });
    expect(inner).toEqual({
      DOCKER_HOST: relay,
      // Empty: without it, Testcontainers uses docker.tls.verify of its file.
      DOCKER_TLS_VERIFY: '',
      TESTCONTAINERS_HOST_OVERRIDE: 'build',
      TESTCONTAINERS_DOCKER_SOCKET_OVERRIDE: '/var/run/docker.sock',
      CASTOFF_RELAY: expect.any(String),
    });
  });

  it('keeps what the user has set, and disables Ryuk only when asked to', () => {
    const outer = { BUILDX_BUILDER: 'mine', TESTCONTAINERS_DOCKER_SOCKET_OVERRIDE: '/other.sock' };
    expect(environmentOfCommand({ ...options, outer, builder: 'selected' })).toMatchObject(outer);
    expect(environmentOfCommand({ ...options, builder: 'selected' })).toMatchObject({
      BUILDX_BUILDER: 'selected',
    });
    expect(environmentOfCommand({ ...options, isRyukDisabled: true })).toMatchObject({
      TESTCONTAINERS_RYUK_DISABLED: 'true',
    });
    const self: { env: NodeJS.ProcessEnv } = { env: { ...options.outer } };
    const enable = disableRyuk(self);
    expect(self.env).toHaveProperty('TESTCONTAINERS_RYUK_DISABLED', 'true');
    const ofCommand = environmentOfCommand({ ...options, outer: self.env });
    enable();
    expect(ofCommand).not.toHaveProperty('TESTCONTAINERS_RYUK_DISABLED');
  });

  it('leads the clients of Podman to the relay, too', () => {
    const outer = { CONTAINER_HOST: 'unix:///other.sock', CONTAINER_CONNECTION: 'other' };
    const inner = environmentOfCommand({ ...options, outer, isPodman: true });
    expect(inner['CONTAINER_HOST']).toBe(relay);
    expect(inner).not.toHaveProperty('CONTAINER_CONNECTION');
    expect(environmentOfCommand({ ...options, outer })).toMatchObject(outer);
  });
});

describe("castoff's own processes in a command", () => {
  it('connect to the engine behind the relay, also after a change of the context or of HOME', () => {
    const inner = { ...environmentOfCommand(options), HOME: '/tmp/home' };
    expect(bypassRelay(inner)).toMatchObject({ DOCKER_HOST: local.address, HOME: '/tmp/home' });
    expect(bypassRelay(inner).DOCKER_CONTEXT).toBeUndefined();
  });

  it.each([
    [true, { DOCKER_TLS_VERIFY: '1' }],
    [false, { DOCKER_TLS: '1' }],
  ])('connect to an engine behind TLS by the same certificates, verified: %s', (isVerified, variables) => {
    const tls = { isVerified, folder: '/home/me/.docker/contexts/tls/1/docker' };
    const transport = { type: 'tcp', host: 'build', port: 2_376, tls } as const;
    const endpoint = { ...remote, from: 'docker context "secure"', transport };
    const inner = { ...environmentOfCommand({ ...options, endpoint }), HOME: '/tmp/home' };
    expect(bypassRelay(inner)).toMatchObject({
      DOCKER_HOST: remote.address,
      DOCKER_CERT_PATH: tls.folder,
      ...variables,
    });
  });

  it('connect to another engine that the command names', () => {
    const inner = { ...environmentOfCommand(options), DOCKER_HOST: 'tcp://other:2375' };
    expect(bypassRelay(inner)).toBe(inner);
  });

  it('recognise the relay as the engine behind it', () => {
    expect(relayEndpoints(environmentOfCommand(options))).toMatchObject([
      { address: local.address, transport: { type: 'socket', path: relay.replace('unix://', '') } },
    ]);
    expect(relayEndpoints({})).toEqual([]);
    expect(relayEndpoints({ CASTOFF_RELAY: 'no JSON' })).toEqual([]);
  });
});

describe('the selected builder of Buildx', () => {
  it.each([
    ['{"Key":"unix:///var/run/docker.sock","Name":"fast","Global":false}', 'fast'],
    ['{"Key":"elsewhere","Name":"fast","Global":true}', 'fast'],
    ['{"Key":"elsewhere","Name":"fast","Global":false}', undefined],
    ['{"Key":"unix:///var/run/docker.sock","Name":"","Global":false}', undefined],
    ['', undefined],
  ])('is, for %s: %s', (text, name) => {
    expect(builderIn(text, local)).toBe(name);
  });
});
