import { describe, expect, it } from '@jest/globals';
import type { Tls, Transport } from '../../lib/engine/endpoint';
import { parseEndpoint } from '../../lib/engine/parse-endpoint';

const tls: Tls = { ca: 'CA', isVerified: true };
const unverified: Tls = { isVerified: false };

function socket(path: string): Transport {
  return { type: 'socket', path };
}

function tcp(host: string, port: number, withTls?: Tls): Transport {
  return { type: 'tcp', host, port, tls: withTls };
}

function ssh(destination: string, port?: number, socketPath?: string): Transport {
  return { type: 'ssh', destination, port, socketPath };
}

describe('a valid address', () => {
  it.each<[given: string, address: string, transport: Transport]>([
    ['unix:///var/run/docker.sock', 'unix:///var/run/docker.sock', socket('/var/run/docker.sock')],
    ['unix://', 'unix:///var/run/docker.sock', socket('/var/run/docker.sock')],
    [
      'UNIX:///run//user/1000/../1000/docker.sock',
      'unix:///run/user/1000/docker.sock',
      socket('/run/user/1000/docker.sock'),
    ],
    [
      ' unix:///with space/docker.sock\n',
      'unix:///with space/docker.sock',
      socket('/with space/docker.sock'),
    ],
    ['npipe:////./pipe/docker_engine', 'npipe:////./pipe/docker_engine', socket('//./pipe/docker_engine')],
    ['npipe://', 'npipe:////./pipe/docker_engine', socket('//./pipe/docker_engine')],
    [
      'npipe://\\\\.\\pipe\\docker_engine',
      'npipe:////./pipe/docker_engine',
      socket('//./pipe/docker_engine'),
    ],
    ['tcp://10.0.0.1:1234', 'tcp://10.0.0.1:1234', tcp('10.0.0.1', 1234)],
    ['tcp://Docker.Example/', 'tcp://docker.example:2375', tcp('docker.example', 2375)],
    ['tcp://docker:', 'tcp://docker:2375', tcp('docker', 2375)],
    ['tcp://', 'tcp://localhost:2375', tcp('localhost', 2375)],
    ['tcp://:1234', 'tcp://localhost:1234', tcp('localhost', 1234)],
    ['http://docker:80', 'tcp://docker:80', tcp('docker', 80)],
    ['https://docker', 'https://docker:2376', tcp('docker', 2376, { isVerified: true })],
    ['https://docker:443', 'https://docker:443', tcp('docker', 443, { isVerified: true })],
    ['tcp://[::1]:1234', 'tcp://[::1]:1234', tcp('::1', 1234)],
    ['tcp://[0:0:0::1]', 'tcp://[::1]:2375', tcp('::1', 2375)],
    ['tcp://[fe80::1%25eth0]', 'tcp://[fe80::1%eth0]:2375', tcp('fe80::1%eth0', 2375)],
    ['docker:1234', 'tcp://docker:1234', tcp('docker', 1234)],
    ['docker', 'tcp://docker:2375', tcp('docker', 2375)],
    [':1234', 'tcp://localhost:1234', tcp('localhost', 1234)],
    ['ssh://me@docker.example', 'ssh://me@docker.example', ssh('me@docker.example')],
    ['ssh://Alias/', 'ssh://Alias', ssh('Alias')],
    ['ssh://me@docker:2222', 'ssh://me@docker:2222', ssh('me@docker', 2222)],
    ['ssh://me%40corp@docker', 'ssh://me%40corp@docker', ssh('me@corp@docker')],
    ['ssh://me@[::1]:22', 'ssh://me@[::1]:22', ssh('me@::1', 22)],
    [
      'ssh://me@docker/run/user/1000/podman/podman.sock',
      'ssh://me@docker/run/user/1000/podman/podman.sock',
      ssh('me@docker', undefined, '/run/user/1000/podman/podman.sock'),
    ],
    ["ssh://docker/a%20b%3F'", "ssh://docker/a%20b%3F'", ssh('docker', undefined, "/a b?'")],
  ])('%j is parsed to %s', (given, address, transport) => {
    expect(parseEndpoint(given, 'DOCKER_HOST')).toEqual({ address, from: 'DOCKER_HOST', transport });
  });

  it.each<[given: string, address: string, transport: Transport]>([
    ['tcp://docker', 'tcp://docker:2376', tcp('docker', 2376, tls)],
    ['tcp://docker:2375', 'tcp://docker:2375', tcp('docker', 2375, tls)],
    ['docker:1', 'tcp://docker:1', tcp('docker', 1, tls)],
    ['https://docker', 'https://docker:2376', tcp('docker', 2376, tls)],
    ['http://docker', 'tcp://docker:2375', tcp('docker', 2375)],
    ['unix:///run/docker.sock', 'unix:///run/docker.sock', socket('/run/docker.sock')],
    ['ssh://docker', 'ssh://docker', ssh('docker')],
  ])('%j with TLS is parsed to %s', (given, address, transport) => {
    expect(parseEndpoint(given, 'a context', tls)).toEqual({ address, from: 'a context', transport });
  });

  it('keeps TLS without verification for https when requested', () => {
    expect(parseEndpoint('https://docker', 'a context', unverified).transport).toEqual(
      tcp('docker', 2376, unverified),
    );
  });

  it.each([
    ['unix:///a/../var/run//docker.sock'],
    ['npipe://'],
    ['Docker'],
    ['https://DOCKER'],
    ['tcp://[0::1]'],
    ['tcp://[fe80::1%25eth0]'],
    ['ssh://me%40corp@[0::1]:22/a%20b%3F%23'],
  ])('%s is the same endpoint when its normalized address is parsed again', (given) => {
    const endpoint = parseEndpoint(given, 'x');
    expect(parseEndpoint(endpoint.address, 'x')).toEqual(endpoint);
  });
});

describe('an invalid address', () => {
  it.each([
    ['', 'which is empty'],
    ['   ', 'which is empty'],
    ['unix://docker.sock', 'whose path is not absolute'],
    ['unix:///run/docker\0.sock', 'which has a control character in it'],
    ['/var/run/docker.sock', 'which is not a host and a port'],
    ['unix:/var/run/docker.sock', 'which is not a host and a port'],
    ['npipe://docker_engine', 'which is not the name of a pipe'],
    ['npipe:////./pipe/', 'which is not the name of a pipe'],
    ['fd://3', 'whose scheme fd:// is not supported'],
    ['tcp://docker:http', 'which is not a host and a port'],
    ['tcp://docker/base', 'which is not a host and a port'],
    ['tcp://docker?x=1', 'which is not a host and a port'],
    ['tcp://::1', 'which is not a host and a port'],
    ['tcp://docker:0', 'whose port is not between 1 and 65535'],
    ['tcp://docker:65536', 'whose port is not between 1 and 65535'],
    ['tcp://[docker]', 'whose host in brackets is not an IPv6 address'],
    ['ssh://', 'whose host is not valid for ssh'],
    ['ssh:///run/docker.sock', 'whose host is not valid for ssh'],
    ['ssh://@docker', 'whose user is not valid for ssh'],
    ['ssh://docker?x=1', 'which is not a user, a host, a port and a path'],
    ['ssh://docker#x', 'which is not a user, a host, a port and a path'],
    ['ssh://docker/%zz', 'which has an invalid % escape'],
    ['ssh://docker/%0a', 'which has a control character in it'],
    ['ssh://me%0a@docker', 'which has a control character in it'],
  ])('%j is rejected: %s', (given, reason) => {
    expect(() => parseEndpoint(given, 'DOCKER_HOST')).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: `DOCKER_HOST: got "${given.replace('\0', '?')}", ${reason}; expected unix:///path, npipe:////./pipe/name, tcp://host[:port], https://host[:port] or ssh://[user@]host[:port][/path]`,
      }),
    );
  });

  it.each([
    ['ssh://-oProxyCommand=reboot'],
    ['ssh://-oProxyCommand=reboot@docker'],
    ['ssh://me@-oProxyCommand=reboot'],
    ['ssh://%2doProxyCommand=reboot@docker'],
    ['ssh://$(reboot)@docker'],
    ['ssh://me@$(reboot)'],
    ['ssh://me@docker;reboot'],
    ['ssh://`reboot`'],
    ['ssh://me me@docker'],
  ])('%s cannot become an option of ssh, nor a command of a shell', (given) => {
    expect(() => parseEndpoint(given, 'DOCKER_HOST')).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });

  it('is quoted without its password', () => {
    expect(() => parseEndpoint('ssh://me:secret@docker', 'DOCKER_HOST')).toThrow(
      'DOCKER_HOST: got "ssh://me:***@docker", which has a password: ssh uses keys and an agent',
    );
    expect(() => parseEndpoint('tcp://me:secret@docker:1', 'DOCKER_HOST')).toThrow(
      'got "tcp://me:***@docker:1"',
    );
  });
});
