import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from '@jest/globals';
import { findFreePort } from '../support/free-port';

const root = join(__dirname, '../..');
const processor = process.arch === 'x64' ? 'amd64' : process.arch;
const lateProgram = join(root, 'spec/fixtures/reaper/late-program.sh');

// In place of Node: a program that says what it was given, and serves only once its stdin has told it to.
const started: ChildProcessWithoutNullStreams[] = [];
const start = (args: readonly string[], env: Record<string, string>): ChildProcessWithoutNullStreams => {
  const environment = { ...process.env, SPEC_NODE: process.execPath, ...env };
  const path = join(root, `dist/bind-then-run-${processor}`);
  const child = spawn(path, ['sh', lateProgram, ...args], { env: environment });
  started.push(child);
  return child;
};

const listenSomewhere = async (): Promise<{ server: Server; port: number }> => {
  const server = createServer().listen(0);
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
};

afterEach(async () => {
  for (const child of started.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'close');
  }
});

describe('bind-then-run', () => {
  it.each(['127.0.0.1', '::1'])('takes what comes to %s before its program serves', async (host) => {
    const port = await findFreePort();
    const child = start([], { RYUK_PORT: String(port) });
    await once(child.stdout, 'data');
    const socket = connect({ port, host });
    await once(socket, 'connect');
    socket.end('label=a=b\n');
    await once(socket, 'finish');

    child.stdin.write('serve\n');

    expect(await text(socket)).toBe('label=a=b\n');
  });

  it.each([
    [['ryuk', '--x'], {}, /^listens: \d+, arguments: ryuk --x\n$/],
    [['sidecar'], {}, /^listens: no, arguments: sidecar\n$/],
    [['host', '/run/reaper.sock'], {}, /^listens: no, arguments: host \/run\/reaper.sock\n$/],
    // Which address that is, the reaper finds out.
    [[], { CASTOFF_REAPER_HOST: 'localhost' }, /^listens: no, arguments: \n$/],
  ])('started with %j and %j, it listens only where the reaper would listen to everybody', async (...row) => {
    const [args, env, expected] = row;
    const child = start(args, { RYUK_PORT: String(await findFreePort()), ...env });
    const [words] = await once(child.stdout, 'data');
    expect(String(words)).toMatch(expected);
  });

  it('takes RYUK_PORT 0 for any port that is free', async () => {
    const child = start([], { RYUK_PORT: '0' });
    const [words] = await once(child.stdout, 'data');
    expect(String(words)).toMatch(/^listens: \d+,/);
  });

  it.each(['http', '-1', '65536', '8080 ', '99999999999999999999'])(
    'ends with one line when RYUK_PORT is %j',
    async (port) => {
      const child = start([], { RYUK_PORT: port });
      const [words, [exitCode]] = await Promise.all([text(child.stderr), once(child, 'close')]);
      expect(words).toBe(`castoff reaper: RYUK_PORT ${port}: give a port from 0 to 65535\n`);
      expect(exitCode).toBe(1);
    },
  );

  it('ends with one line when the port is taken', async () => {
    const { server, port } = await listenSomewhere();
    const child = start([], { RYUK_PORT: String(port) });
    const [words, [exitCode]] = await Promise.all([text(child.stderr), once(child, 'close')]);
    expect(words).toBe(`castoff reaper: listen on port ${port}: Address already in use\n`);
    expect(exitCode).toBe(1);
    server.close();
  });
});
