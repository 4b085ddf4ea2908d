import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Variable } from '../../lib/core/variable';
import { reaperVariables } from '../../lib/reaper/daemon/settings';
import { built } from '../support/built';
import { openFaultProxy } from '../support/fault-proxy';
import { until } from '../support/until';
import { runCastoff } from '../support/run-castoff';
import { startDaemon } from '../support/daemon-reaper';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'castoff-spec-'));
});
afterAll(() => rm(folder, { recursive: true }));

const socketPath = () => join(folder, 'own', 'reaper.sock');

describe('castoff reaper', () => {
  it('documents its exit codes and the variable of each option in its help', async () => {
    const { exitCode, stdout } = await runCastoff(['reaper', 'run', '--help']);
    expect(exitCode).toBe(0);
    const text = stdout.replaceAll(/\s+/g, ' ');
    expect(text).toContain('Exit codes: 0 stopped by a signal, and everything claimed was removed 1 ');
    expect(text).toContain('2 bad usage, or an invalid setting');
    expect(text).toMatch(/--http-port <port> [^-]*default: 8081 \(CASTOFF_REAPER_HTTP_PORT\)/);
    expect(text).not.toContain('--token <');
    const settings: readonly Variable<unknown>[] = Object.values(reaperVariables);
    expect(settings.filter(({ variable }) => !text.includes(variable))).toEqual([]);
    expect(text).toContain('how often a failed removal is retried; default: 10');
  });

  it.each(['compose', 'stack', 'kubernetes'])('deploy prints the file for %s', async (target) => {
    const { exitCode, stdout } = await runCastoff(['reaper', 'deploy', target]);
    expect(exitCode).toBe(0);
    expect(stdout).toBe(await readFile(join(__dirname, `../../docker/${target}.yml`), 'utf8'));
    expect(stdout).toContain(`castoff reaper deploy ${target}`);
  });

  it('logs for people on a terminal, and names the engine that it found, or why it found none', async () => {
    const start = async (address: string): Promise<string> => {
      const run = `${process.execPath} ${built.cli} reaper run --port 0 --http-port 0 -H ${address}`;
      const child = spawn('script', ['-qec', run, '/dev/null'], { env: { ...process.env, NO_COLOR: '1' } });
      let output = '';
      child.stdout.setEncoding('utf8').on('data', (more: string) => (output += more));
      expect(await until(() => /engine .*\r?\n/.test(output), 20_000)).toBe(true);
      // Ctrl-C.
      child.stdin.write('\u0003');
      await once(child, 'exit');
      return output;
    };
    await using proxy = await openFaultProxy();
    const [found, missing] = await Promise.all([start(proxy.address), start('unix:///nowhere')]);
    expect(found).toMatch(/^\d\d:\d\d:\d\d {2}Started +address 127\.0\.0\.1:\d+\r?$/m);
    expect(found).toContain(`engine ${proxy.address}, from DOCKER_HOST`);
    expect(missing).toMatch(/ {2}no engine +error find a Docker engine: unix:\/\/\/nowhere/);
  });

  it.each([
    ['an invalid port', ['run', '--port', 'x'], {}, '--port: got "x"'],
    ['an invalid variable', ['run'], { RYUK_RECONNECTION_TIMEOUT: '10' }, 'RYUK_RECONNECTION_TIMEOUT'],
    ['an invalid pause', ['--sweep-every', '5'], {}, '--sweep-every: got "5"; use a duration from 1s'],
    ['an unknown option', ['run', '--token', 'x'], {}, "unknown option '--token'"],
    ['a missing token file', ['--token-file', '/nowhere/token'], {}, '/nowhere/token'],
    [
      'two tokens',
      ['--token-file', '/nowhere/token'],
      { CASTOFF_REAPER_TOKEN: 'x' },
      'CASTOFF_REAPER_TOKEN is set, too',
    ],
    [
      'an address of another host',
      ['--port', '0', '--http-port', '0', '--http-host', '192.0.2.1'],
      {},
      '192.0.2.1',
    ],
  ])('exits with 2 and prints the reason for %s', async (_, args, env, text) => {
    const { exitCode, stderr } = await runCastoff(['reaper', ...args], env);
    expect(stderr.split('\n')[0]).toContain(text);
    expect(stderr).not.toMatch(/^ +at /m);
    expect(exitCode).toBe(2);
  });

  it('exits with 2 for an empty token file', async () => {
    const file = join(folder, 'empty');
    await writeFile(file, '\n');
    const { exitCode, stderr } = await runCastoff(['reaper', '--token-file', file]);
    expect(stderr).toContain(`read the token in ${file}: it is empty`);
    expect(exitCode).toBe(2);
  });

  it('exits with 2 when its port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const { exitCode, stderr } = await runCastoff(['reaper', '--port', String(port), '--http-port', '0']);
    expect(stderr).toContain(String(port));
    expect(exitCode).toBe(2);
    other.close();
  });

  it('serves a local socket for its user only, and no TCP port by default', async () => {
    await using reaper = await startDaemon(['--socket', socketPath()], { RYUK_PORT: '' });
    expect(reaper.log().filter(({ event }) => event === 'listening')).toMatchObject([
      { address: socketPath() },
    ]);
    const client = connect(socketPath());
    client.write('label=castoff.session=cli\n');
    const [answer] = (await once(client, 'data')) as [Buffer];
    expect(String(answer)).toBe('ACK\n');
    client.destroy();

    const second = await runCastoff(['reaper', '--socket', socketPath(), '--http-port', '0']);
    expect(second).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('another reaper already serves there'),
    });
  });
});
