import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { openScope, type Command, type Scope } from '../../lib/index';
import { OutputSearch } from '../../lib/scope/output-search';
import { findFreePort } from '../support/free-port';
import { isRunning } from '../support/process-state';
import { rejectionOf } from '../support/rejection';
import { nextLine } from '../support/this-line';
import { until } from '../support/until';

const node = (scope: Scope, script: string, options = {}): Command =>
  scope.run(process.execPath, ['-e', script], options);

const wait = 'setInterval(() => {}, 1000);';

describe('the promise `ready` of a command', () => {
  it('resolves when the output matches, also with the match in several chunks and on standard error', async () => {
    await using scope = openScope();
    const script = `process.stderr.write('server lis'); setTimeout(() => process.stderr.write('tening'), 30); ${wait}`;
    const server = node(scope, script, { ready: /server listening/ });
    await server.ready;
    expect(server.state).toMatchObject({ exitCode: undefined, output: 'server listening' });
  });

  it('resolves after megabytes without a line end', async () => {
    await using scope = openScope();
    const script = `process.stdout.write('x'.repeat(5e6), () => process.stdout.write('READY')); ${wait}`;
    const server = node(scope, script, { ready: /READY/ });
    await server.ready;
    expect(server.state.output.length).toBe(64 * 1024);
  });

  it.each(['127.0.0.1', '::1'])('resolves when a port of %s accepts connections', async (host) => {
    await using scope = openScope();
    const port = await findFreePort();
    const script = `setTimeout(() => require('net').createServer().listen(${port}, '${host}', () => console.log('up')), 30)`;
    const server = node(scope, script, { ready: port });
    await server.ready;
    expect(await until(() => server.state.output === 'up\n')).toBe(true);
  });

  it('resolves when a URL responds, and not while it responds with an error', async () => {
    await using scope = openScope();
    const port = await findFreePort();
    const script = `let asked = 0; require('http').createServer((_, response) => {
      asked += 1; response.statusCode = asked < 3 ? 503 : 204; response.end(); console.log(asked);
    }).listen(${port}, '127.0.0.1')`;
    const server = node(scope, script, { ready: new URL(`http://localhost:${port}/health`) });
    await server.ready;
    expect(await until(() => server.state.output === '1\n2\n3\n')).toBe(true);
  });

  it('resolves when the command has started, without the option', async () => {
    await using scope = openScope();
    const server = node(scope, wait);
    await server.ready;
    expect(isRunning(server.state.pid!)).toBe(true);
  });

  it('rejects with the end of the output when the command exits first, also with code 0', async () => {
    const scope = openScope();
    const source = nextLine();
    const server = scope.run('sh', ['-c', 'echo port in use; exit 0'], { ready: /listening/ });
    const error = await rejectionOf(server.ready);
    expect(error).toMatchObject({ code: 'COMMAND_FAILED', end: { exitCode: 0 } });
    expect(String(error)).toContain(
      `(${source}): exit code 0 before it was ready: its output does not match /listening/\nlast output:\n  port in use`,
    );
    expect(await rejectionOf(Promise.resolve(server))).toBe(error);
    await scope.close();
  });

  it('fails the close when neither `ready` nor the command was awaited', async () => {
    const scope = openScope();
    const server = scope.run('sh', ['-c', 'exit 3'], { ready: 1 });
    expect(await until(() => server.state.endedAt !== undefined)).toBe(true);
    expect(String(await rejectionOf(scope.close()))).toContain(
      'exit code 3 before it was ready: port 1 does not accept connections',
    );
  });

  it('fails the close when the command fails after it was ready', async () => {
    const scope = openScope();
    const server = node(scope, `console.log('ready'); setTimeout(() => process.exit(4), 20)`, {
      ready: /ready/,
    });
    await server.ready;
    expect(await until(() => server.state.endedAt !== undefined)).toBe(true);
    expect(String(await rejectionOf(scope.close()))).toContain('exit code 4');
  });

  it('rejects at its time limit, and stops the command', async () => {
    const scope = openScope();
    const server = scope.run('sh', ['-c', 'echo starting; exec sleep 60'], {
      ready: /listening/,
      readyTimeoutMs: 2_000,
    });
    const error = await rejectionOf(server.ready);
    expect(error).toMatchObject({ code: 'COMMAND_FAILED', cause: { code: 'DEADLINE_EXCEEDED' } });
    expect(String(error)).toContain(
      'not ready after 2.0 s: its output does not match /listening/\nlast output:\n  starting',
    );
    expect(await until(() => !isRunning(server.state.pid!))).toBe(true);
    await scope.close();
  });

  it('ends at its time limit although the server accepts and never responds', async () => {
    const scope = openScope();
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const server = node(scope, wait, { ready: `http://127.0.0.1:${port}/`, readyTimeoutMs: 100 });
    expect(String(await rejectionOf(server.ready))).toContain('does not respond with a status below 400');
    await scope.close();
    expect(await until(async () => (await connectionsOf(silent)) === 0)).toBe(true);
    silent.close();
  });

  it('rejects when the command cannot be started, and when its scope closes', async () => {
    const scope = openScope();
    const missing = scope.run('castoff-no-such-command', [], { ready: /x/ });
    expect(String(await rejectionOf(missing.ready))).toContain('command not found');
    const server = node(scope, wait, { ready: /x/ });
    const waiting = rejectionOf(server.ready);
    await scope.close();
    expect(await waiting).toMatchObject({ code: 'COMMAND_FAILED', cause: { code: 'SCOPE_CLOSED' } });
  });

  it('accepts an expression of another realm, and leaves its state as it is', async () => {
    await using scope = openScope();
    const foreign = runInNewContext('const one = /b/g; one.lastIndex = 7; one') as RegExp;
    await node(scope, `console.log('abc'); ${wait}`, { ready: foreign }).ready;
    expect(foreign.lastIndex).toBe(7);
  });

  it.each([
    ['another host', { ready: 'http://example.com/' }, 'give a URL of this machine'],
    ['another protocol', { ready: 'ftp://localhost/' }, 'give an expression, a port, or an http(s) URL'],
    ['text that is no URL', { ready: 'listening' }, 'give an expression, a port, or an http(s) URL'],
    ['port 0', { ready: 0 }, 'give a port from 1 to 65535'],
    ['null', { ready: null }, 'got null as ready'],
    ['a time limit alone', { readyTimeoutMs: 5 }, 'readyTimeoutMs has no effect without ready'],
    ['a negative time limit', { ready: 80, readyTimeoutMs: -5 }, 'readyTimeoutMs: got -5'],
  ])('refuses %s', async (_what, options, message) => {
    await using scope = openScope();
    const run = (): unknown => scope.run('true', [], options as never);
    expect(run).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    expect(run).toThrow(message);
  });
});

function connectionsOf(server: ReturnType<typeof createServer>): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  server.getConnections((_, count) => resolve(count));
  return promise;
}

describe('a search in output', () => {
  it('finds what the expression finds in the whole output, however it is split into chunks', () => {
    const texts = fc.array(fc.constantFrom('a', 'b', '\n', 'ready', 're', 'ady', ' '), { maxLength: 40 });
    const patterns = fc.constantFrom(/ready/, /^ready/, /^ready/m, /a\nb/, /(?<=b)ready/, /ready/g, /ready/y);
    fc.assert(
      fc.property(texts, patterns, (chunks, pattern) => {
        const search = new OutputSearch(pattern);
        const isFound = chunks.map((chunk) => search.add(chunk)).includes(true);
        expect(isFound).toBe(
          new RegExp(pattern.source, pattern.flags.replace('y', '')).test(chunks.join('')),
        );
      }),
    );
  });

  it('does not take a later part of the output for its start', () => {
    const search = new OutputSearch(/^ready/);
    const filler = 'x'.repeat(8 * 1024);
    expect([
      search.add(`${filler}x`),
      search.add('ready'),
      search.add(filler.slice(5)),
      search.add(''),
    ]).toEqual([false, false, false, false]);
  });
});
