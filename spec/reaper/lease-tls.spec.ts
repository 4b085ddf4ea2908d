import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openReaperFolder, startSessionChild, thingsOfSession } from '../support/session-child';
import { openTlsFront, type TlsFront } from '../support/tls-front';
import { until } from '../support/until';

const run = promisify(execFile);
let folder: string;
let front: TlsFront;
let reaperFolder: Awaited<ReturnType<typeof openReaperFolder>>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'castoff-tls-'));
  reaperFolder = await openReaperFolder();
  front = await openTlsFront(folder, '/var/run/docker.sock');
  const docker = (...args: string[]): Promise<unknown> =>
    run('docker', ['--config', join(folder, 'docker'), ...args]);
  const files = ['ca', 'cert', 'key'].map((name) => `${name}=${front.certs}/${name}.pem`);
  await docker('context', 'create', 'secure', '--docker', [`host=${front.address}`, ...files].join(','));
  await docker('context', 'use', 'secure');
});

afterAll(async () => {
  await Promise.allSettled([reaperFolder[Symbol.asyncDispose](), front[Symbol.asyncDispose]()]);
  await rm(folder, { recursive: true });
});

const byHost = (): NodeJS.ProcessEnv => ({ DOCKER_HOST: front.address, DOCKER_TLS_VERIFY: '1' });

describe('an engine behind TLS, with the reaper as a process', () => {
  it.each([
    [
      "the current context of docker's configuration",
      () => ({ DOCKER_HOST: '', DOCKER_CONFIG: join(folder, 'docker') }),
    ],
    [
      'a context in a relative DOCKER_CONFIG',
      () => ({ DOCKER_HOST: '', DOCKER_CONFIG: 'docker', DOCKER_CONTEXT: 'secure' }),
    ],
    ['a relative DOCKER_CERT_PATH', () => ({ ...byHost(), DOCKER_CERT_PATH: './certs' })],
  ])('chosen by %s, has nothing of a session that is SIGKILLed', async (_how, env) => {
    const child = await startSessionChild({
      reaper: 'process',
      containers: 1,
      cwd: folder,
      env: { ...env(), TMPDIR: reaperFolder.folder },
    });
    const { session } = child.told;
    expect(await thingsOfSession(session)).toHaveLength(3);
    await child.kill();
    expect(await until(async () => (await thingsOfSession(session)).length === 0, 15_000, 100)).toBe(true);
  });
});
