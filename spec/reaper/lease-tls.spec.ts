import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  isSessionGone,
  openReaperFolder,
  startSessionChild,
  thingsOfSession,
} from '../support/session-child';
import { openTlsFront, type TlsFront } from '../support/tls-front';
import { until } from '../support/until';

const run = promisify(execFile);
let folder: string;
let front: TlsFront;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'castoff-tls-'));
  front = await openTlsFront(folder, '/var/run/docker.sock');
  const files = ['ca', 'cert', 'key'].map((name) => `${name}=${front.certs}/${name}.pem`);
  const endpoint = [`host=${front.address}`, ...files].join(',');
  const context = ['context', 'create', 'secure', '--docker', endpoint];
  await run('docker', ['--config', join(folder, 'docker'), ...context]);
  await writeFile(join(folder, 'docker/config.json'), JSON.stringify({ currentContext: 'secure' }));
});

afterAll(async () => {
  await front[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

describe('an engine behind TLS, with the reaper as a process', () => {
  // The host process has another working directory, so relative paths must be resolved first.
  it.each([
    ['the current context in a relative DOCKER_CONFIG', () => ({ DOCKER_HOST: '', DOCKER_CONFIG: 'docker' })],
    [
      'a relative DOCKER_CERT_PATH',
      () => ({ DOCKER_HOST: front.address, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: './certs' }),
    ],
  ])('a SIGKILLed session on an engine behind TLS, chosen by %s, leaves no resources', async (_how, env) => {
    await using reaperFolder = await openReaperFolder();
    const child = await startSessionChild({
      reaper: 'process',
      containers: 1,
      areStarted: false,
      cwd: folder,
      env: { ...env(), TMPDIR: reaperFolder.folder },
    });
    const { session } = child.told;
    expect(await thingsOfSession(session)).toHaveLength(3);
    await child.kill();
    expect(await until(() => isSessionGone(session), 15_000, 100)).toBe(true);
  });
});
