import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CastoffError } from '../../lib/core/errors';
import type { Endpoint } from '../../lib/engine/endpoint';
import type { Machine } from '../../lib/engine/engine-facts';
import { findEndpoint } from '../../lib/engine/find-endpoint';

let home: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'castoff-home-'));
});

afterAll(() => rm(home, { recursive: true }));

function machine(env: Machine['env'] = {}): Machine {
  return { platform: 'win32', home, env };
}

function fault(code: string, message = code): Error {
  return Object.assign(new Error(message), { code });
}

/** Resolves to the error thrown when every ping fails with `error`. */
async function failureOf(
  address: string | undefined,
  error: unknown,
  env?: Machine['env'],
): Promise<CastoffError> {
  const ping = (): Promise<void> => Promise.reject(error);
  const thrown: unknown = await findEndpoint({ address, ping, machine: machine(env) }).catch(
    (reason: unknown) => reason,
  );
  if (thrown instanceof CastoffError) return thrown;
  throw new Error('it found an endpoint', { cause: thrown });
}

describe('finding an engine', () => {
  it('pings one address after another until one answers', async () => {
    const asked: string[] = [];
    const ping = async ({ address }: Endpoint): Promise<void> => {
      asked.push(address);
      if (address.endsWith('docker_engine')) throw fault('ENOENT');
    };
    const { address } = await findEndpoint({ ping, machine: machine() });
    expect(address).toBe('npipe:////./pipe/podman-machine-default');
    expect(asked).toEqual(['npipe:////./pipe/docker_engine', address]);
  });

  it('pings no other address once one has answered', async () => {
    const asked: string[] = [];
    const ping = async ({ address }: Endpoint): Promise<void> => void asked.push(address);
    await findEndpoint({ ping, machine: machine() });
    expect(asked).toEqual(['npipe:////./pipe/docker_engine']);
  });

  it('pings only the given address, with the TLS settings of the environment', async () => {
    const asked: Endpoint[] = [];
    const ping = async (endpoint: Endpoint): Promise<void> => void asked.push(endpoint);
    const env = { DOCKER_HOST: 'tcp://other', DOCKER_TLS_VERIFY: '1' };
    await findEndpoint({ address: 'tcp://given', ping, machine: machine(env) });
    expect(asked).toEqual([
      {
        address: 'tcp://given:2376',
        from: 'engine option',
        transport: {
          type: 'tcp',
          host: 'given',
          port: 2376,
          tls: { isVerified: true, folder: join(home, '.docker') },
        },
      },
    ]);
  });

  it('rejects an invalid address before any ping', async () => {
    expect(await failureOf('ftp://x', new Error('asked'))).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('engine option: got "ftp://x"'),
    });
  });
});

describe('finding no engine', () => {
  it('lists every address with the setting that named it, the reason for its failure, and advice', async () => {
    const errors = [fault('ENOENT'), fault('ECONNREFUSED')];
    const failures = [...errors];
    const ping = (): Promise<void> => Promise.reject(failures.shift() ?? new Error('asked once more'));
    await expect(findEndpoint({ ping, machine: machine() })).rejects.toMatchObject({
      code: 'ENGINE_UNREACHABLE',
      message: [
        'find a Docker engine: none answered at 2 addresses',
        '  npipe:////./pipe/docker_engine (default pipe): no such socket',
        '  npipe:////./pipe/podman-machine-default (Podman machine pipe): connection refused',
        'start Docker or Podman, or set its address: DOCKER_HOST=unix:///path/to/docker.sock',
      ].join('\n'),
      errors,
    });
  });

  it('puts a single address and its reason into the first line', async () => {
    const error = fault('ECONNREFUSED');
    const failure = await failureOf(undefined, error, { DOCKER_HOST: 'tcp://10.0.0.1' });
    expect(failure).toMatchObject({ cause: error, errors: [error] });
    expect(failure.message.split('\n')[0]).toBe(
      'find a Docker engine: tcp://10.0.0.1:2375 (DOCKER_HOST): connection refused',
    );
  });

  it.each<[address: string, error: unknown, reason: string]>([
    ['unix:///x', fault('ENOENT'), 'no such socket'],
    ['unix:///x', fault('ECONNREFUSED'), 'connection refused'],
    [
      'unix:///run/docker.sock',
      fault('EACCES'),
      'permission denied; add your user to the docker group (sudo usermod -aG docker "$USER") and log in again',
    ],
    [
      'unix:///run/podman/podman.sock',
      fault('EACCES'),
      'permission denied; the socket belongs to another user',
    ],
    ['tcp://x', fault('ENOTFOUND', 'getaddrinfo ENOTFOUND x'), 'no such host'],
    ['tcp://x', fault('EACCES', 'connect EACCES 1.1.1.1'), 'connect EACCES 1.1.1.1'],
    ['tcp://x', fault('ETIMEDOUT', 'connect ETIMEDOUT'), 'connect ETIMEDOUT'],
    ['tcp://x', Object.assign(new AggregateError([], ''), { code: 'ECONNREFUSED' }), 'connection refused'],
    [
      'https://x',
      fault('SELF_SIGNED_CERT_IN_CHAIN', 'self-signed certificate in certificate chain'),
      'its certificate is not trusted (self-signed certificate in certificate chain); add its CA to ca.pem in DOCKER_CERT_PATH',
    ],
    [
      'ssh://x',
      fault('ESSH', 'reach the engine on x over ssh: exit code 255'),
      'reach the engine on x over ssh: exit code 255',
    ],
    ['ssh://x', fault('ENOENT', 'spawn ssh ENOENT'), 'spawn ssh ENOENT'],
    ['unix:///x', new Error('ping: 400 Bad Request\nmore'), 'ping: 400 Bad Request'],
    ['unix:///x', 'a text', 'a text'],
    [
      'unix:///x',
      new CastoffError('ENGINE_UNREACHABLE', 'ping', { cause: fault('ENOENT') }),
      'no such socket',
    ],
  ])('reports %s with %s: %s', async (address, error, reason) => {
    const { message } = await failureOf(address, error);
    expect(message.split('\n')[0]?.replace(/^.*\(engine option\): /, '')).toBe(reason);
  });

  it('reports a missing socket, from a real error', async () => {
    const path = process.platform === 'win32' ? '//./pipe/castoff-not-there' : join(home, 'not-there.sock');
    const address = `${process.platform === 'win32' ? 'npipe' : 'unix'}://${path}`;
    const ping = async (): Promise<void> => {
      await once(request({ socketPath: path, path: '/_ping' }).end(), 'response');
    };
    await expect(findEndpoint({ address, ping, machine: machine() })).rejects.toThrow(
      `find a Docker engine: ${address} (engine option): no such socket`,
    );
  });

  it('reports a port without a listener, from a real error', async () => {
    // A free port might soon be another spec file's.
    const ping = async (): Promise<void> => {
      await once(request({ host: 'localhost', port: 1, path: '/_ping' }).end(), 'response');
    };
    await expect(findEndpoint({ address: 'tcp://localhost:1', ping, machine: machine() })).rejects.toThrow(
      'find a Docker engine: tcp://localhost:1 (engine option): connection refused',
    );
  });
});
