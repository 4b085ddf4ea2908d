import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { askEngine } from '../support/ask-engine';
import { findProcesses } from '../support/close-engine';
import type { SecondEngine } from '../support/engine-process';
import { openPodmanEngine } from '../support/podman-engine';

const run = promisify(execFile);

describe('a Podman engine', () => {
  let engine: SecondEngine;
  beforeAll(async () => {
    engine = await openPodmanEngine();
  });
  afterAll(() => engine.close());

  const docker = async (...args: string[]) => {
    const { stdout } = await run('docker', args, { env: { ...process.env, DOCKER_HOST: engine.address } });
    return stdout.trim();
  };

  it('answers as Podman on its own socket', async () => {
    const { body } = await askEngine(engine.socketPath, 'GET', '/version');
    expect(body).toContain('Podman Engine');
  });

  it.each(['bridge', 'none', 'host'])('runs a container on network %s', async (network) => {
    const id = await docker('run', '--detach', '--network', network, 'castoff-spec/busybox:1');
    expect(await docker('inspect', '--format', '{{.State.Status}}', id)).toBe('running');
    await docker('rm', '--force', id);
  });

  it('lets containers on one network reach each other', async () => {
    await docker('network', 'create', 'between');
    const callee = await docker('run', '--detach', '--network', 'between', 'castoff-spec/busybox:1');
    const address = await docker(
      'inspect',
      '--format',
      '{{.NetworkSettings.Networks.between.IPAddress}}',
      callee,
    );
    const ping = await docker(
      'run',
      '--rm',
      '--network',
      'between',
      'castoff-spec/busybox:1',
      'ping',
      '-c1',
      address,
    );
    expect(ping).toContain('1 packets received');
    await docker('rm', '--force', callee);
    await docker('network', 'rm', 'between');
  });

  it('leaves no process, mount, namespace or folder behind after close', async () => {
    const closed = await openPodmanEngine();
    const folder = dirname(closed.socketPath);
    const env = { ...process.env, DOCKER_HOST: closed.address };
    await run('docker', ['run', '--detach', 'castoff-spec/busybox:1'], { env });
    expect(findProcesses(folder)).not.toEqual([]);
    await closed.close();
    expect(findProcesses(folder)).toEqual([]);
    expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(folder);
    expect(existsSync(folder)).toBe(false);
  });
});
