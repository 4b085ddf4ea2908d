import { describe, expect, it } from '@jest/globals';
import { parseEndpoint } from '../../lib/engine/parse-endpoint';
import { engineAt, type RequestTarget } from '../../lib/capture/request-target';

const realPath = (path: string) => path.replace(/^\/var\/run\//, '/run/');
const at = (place: Partial<RequestTarget>, ...addresses: readonly string[]) =>
  engineAt(
    { host: 'localhost', port: 80, ...place },
    addresses.map((address) => parseEndpoint(address, 'spec')),
    realPath,
  );

describe('engineAt', () => {
  it('knows an engine by its socket, whichever way the path goes', () => {
    const engine = 'unix:///var/run/docker.sock';
    expect(at({ socketPath: '/run/docker.sock' }, 'tcp://localhost:80', engine)).toBe(engine);
    expect(at({ socketPath: '/run/app.sock' }, engine)).toBeUndefined();
  });

  it('knows an engine by its host and port, and this machine by each of its names', () => {
    const engine = 'tcp://localhost:2375';
    for (const host of ['localhost', '127.0.0.1', '::1', '[::1]', 'LOCALHOST'])
      expect(at({ host, port: 2375 }, engine)).toBe(engine);
    expect(at({ host: 'localhost', port: 8080 }, engine)).toBeUndefined();
    expect(at({ host: '10.0.0.1', port: 2375 }, engine)).toBeUndefined();
    expect(at({ host: 'build.local', port: 2376 }, 'tcp://build.local:2376')).toBe('tcp://build.local:2376');
  });

  it('does not take a socket for the host that stands beside it', () => {
    expect(at({ socketPath: '/run/app.sock', port: 2375 }, 'tcp://localhost:2375')).toBeUndefined();
    expect(at({ host: 'localhost', port: 80 }, 'unix:///var/run/docker.sock')).toBeUndefined();
  });

  it('knows an engine behind ssh by the host that is logged in to', () => {
    expect(at({ host: 'build-7', port: 22 }, 'ssh://ci@build-7')).toBe('ssh://ci@build-7');
    expect(at({ host: 'build-8', port: 22 }, 'ssh://ci@build-7')).toBeUndefined();
  });
});
