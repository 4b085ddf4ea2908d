import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { version } from '../../package.json';
import { compose } from '../support/compose-command';
import { connectRyuk } from '../support/ryuk-client';
import { docker, uniqueName } from '../support/things';
import { until } from '../support/until';

const folder = join(__dirname, '../../docker');
const read = (file: string): Promise<string> => readFile(join(folder, file), 'utf8');

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
};

const statusOf = (url: string): Promise<number> =>
  fetch(url).then(
    ({ status }) => status,
    () => 0, // Nobody listens there yet.
  );

describe('a deployment file', () => {
  it.each(['compose.yml', 'stack.yml', 'kubernetes.yml'])(
    '%s runs the standing reaper of this version, with a token and a limit',
    async (file) => {
      const text = await read(file);
      expect(text).toContain(`castoff/reaper:${version}`);
      expect(text).toMatch(/(command|args): \[standing\]/);
      expect(text).toContain('CASTOFF_REAPER_TOKEN_FILE');
      expect(text).toMatch(/(mem_limit: 256m|memory: 256Mi?)$/m);
      expect(text).toMatch(/(read_only|readOnlyRootFilesystem): true/);
      expect(text).toMatch(/(cap_drop|drop): \[ALL\]/);
    },
  );
});

describe('docker/compose.yml', () => {
  it('brings up a reaper that is healthy, wants the token, and ends when it is told to', async () => {
    const project = uniqueName();
    const scratch = await mkdtemp(join(tmpdir(), 'castoff-spec-'));
    const [port, httpPort] = [await freePort(), await freePort()];
    const token = randomBytes(16).toString('hex');
    await writeFile(join(scratch, 'token'), `${token}\n`);
    const env = {
      CASTOFF_REAPER_PORT: String(port),
      CASTOFF_REAPER_HTTP_PORT: String(httpPort),
      CASTOFF_REAPER_TOKEN_FILE: join(scratch, 'token'),
    };
    const common = ['--file', join(folder, 'compose.yml'), '--project-name', project];
    try {
      await compose([...common, 'up', '--detach'], env);
      const isHealthy = async (): Promise<boolean> =>
        (await statusOf(`http://127.0.0.1:${httpPort}/healthz`)) === 200;
      expect(await until(isHealthy, 20_000)).toBe(true);

      const hello = (shown: object): string =>
        JSON.stringify({
          id: 1,
          type: 'hello',
          protocol: 2,
          version,
          session: 'feedfacecafe',
          owner: { host: 'spec', pid: 1 },
          ...shown,
        });
      const stranger = connectRyuk(port);
      expect(JSON.parse(await stranger.claim(hello({})))).toMatchObject({ id: 1, ok: false });
      const client = connectRyuk(port);
      expect(JSON.parse(await client.claim(hello({ token })))).toMatchObject({ id: 1, ok: true });
      await Promise.all([stranger.leave(), client.leave()]);

      const filters = { label: [`com.docker.compose.project=${project}`] };
      const [found] = await docker.listContainers({ filters });
      const container = docker.getContainer(found?.Id ?? '');
      const ended = container.wait() as Promise<{ StatusCode: number }>;
      await compose([...common, 'stop'], env);
      expect(await ended).toMatchObject({ StatusCode: 0 });
    } finally {
      await compose([...common, 'down', '--volumes'], env);
      await rm(scratch, { recursive: true });
    }
  });
});
