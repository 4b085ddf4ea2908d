import { describe, expect, it } from '@jest/globals';
import { parseEndpoint } from '../../lib/engine/parse-endpoint';
import { engineAt, type RequestTarget } from '../../lib/capture/request-target';

const realPath = (path: string) => path.replace(/^\/var\/run\//, '/run/');
const at = (target: Partial<RequestTarget>, ...addresses: readonly string[]) =>
  engineAt(
    { host: 'localhost', port: 80, ...target },
    addresses.map((address) => parseEndpoint(address, 'spec')),
    realPath,
  );

describe('engineAt', () => {
  it('recognises an engine by its socket, through symbolic links too', () => {
    const engine = 'unix:///var/run/docker.sock';
    expect(at({ socketPath: '/run/docker.sock' }, 'tcp://localhost:80', engine)).toBe(engine);
    expect(at({ socketPath: '/run/app.sock' }, engine)).toBeUndefined();
  });

  it('recognises an engine by host and port, with any name of the loopback interface', () => {
    const engine = 'tcp://localhost:2375';
    for (const host of ['localhost', '127.0.0.1', '::1', '[::1]', 'LOCALHOST'])
      expect(at({ host, port: 2375 }, engine)).toBe(engine);
    expect(at({ host: 'localhost', port: 8080 }, engine)).toBeUndefined();
    expect(at({ host: '10.0.0.1', port: 2375 }, engine)).toBeUndefined();
    expect(at({ host: 'build.local', port: 2376 }, 'tcp://build.local:2376')).toBe('tcp://build.local:2376');
  });

  it('ignores the host of a request to a socket, and the socket of an engine at a host', () => {
    expect(at({ socketPath: '/run/app.sock', port: 2375 }, 'tcp://localhost:2375')).toBeUndefined();
    expect(at({ host: 'localhost', port: 80 }, 'unix:///var/run/docker.sock')).toBeUndefined();
  });

  it('recognises an engine behind ssh by the ssh server', () => {
    expect(at({ host: 'build-7', port: 22 }, 'ssh://ci@build-7')).toBe('ssh://ci@build-7');
    expect(at({ host: 'build-8', port: 22 }, 'ssh://ci@build-7')).toBeUndefined();
  });
});
