import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, jest } from '@jest/globals';
import { openScope, type Command, type CommandError, type Scope } from '../../lib/index';
import { isRunning } from '../support/process-state';
import { rejectionOf } from '../support/rejection';
import { nextLine } from '../support/this-line';
import { until } from '../support/until';
import { withTypeScript } from '../support/with-typescript';

const sh = (scope: Scope, script: string, options = {}): Command => scope.run('sh', ['-c', script], options);

/** Resolves to the output of the command once it matches. */
async function outputMatching(command: Command, pattern: RegExp): Promise<string> {
  expect(await until(() => pattern.test(command.state.output))).toBe(true);
  return command.state.output;
}

/** Resolves to the number after `name=` in its output. */
async function pidFrom(command: Command, name: string): Promise<number> {
  const output = await outputMatching(command, new RegExp(`${name}=\\d+\\n`));
  return Number(new RegExp(`${name}=(\\d+)`).exec(output)?.[1]);
}

const failed = expect.objectContaining({ code: 'COMMAND_FAILED' });

describe('a command in a scope', () => {
  it('resolves to its exit code and output', async () => {
    await using scope = openScope();
    const end = await sh(scope, 'echo out; echo err >&2');
    expect(end).toMatchObject({ exitCode: 0, signal: undefined, pid: expect.any(Number) });
    expect(end.output.split('\n').toSorted()).toEqual(['', 'err', 'out']);
    expect(end.endedAt!.getTime()).toBeGreaterThanOrEqual(end.startedAt.getTime());
  });

  it('runs without a shell, in the given directory and with the given variables', async () => {
    await using scope = openScope();
    const folder = await mkdtemp(join(tmpdir(), 'castoff-command-'));
    scope.defer('remove the folder', () => rm(folder, { recursive: true }));
    const script =
      'process.stdout.write([process.argv[1], process.cwd(), process.env.MINE, process.env.HOME].join(" "))';
    const options = { cwd: folder, env: { MINE: 'mine', HOME: undefined } };
    const { output } = await scope.run(process.execPath, ['-e', script, '$HOME;'], options);
    expect(output).toBe(`$HOME; ${folder} mine `);
  });

  it('keeps the last 64 Ki characters of its output, without broken characters', async () => {
    await using scope = openScope();
    const script = 'for (let i = 0; i < 30000; i += 1) process.stdout.write(`line ${i} ü\\n`)';
    const { output } = await scope.run(process.execPath, ['-e', script]);
    expect(output.length).toBe(64 * 1024);
    expect(output.endsWith('line 29998 ü\nline 29999 ü\n')).toBe(true);
    expect(output).not.toContain('\uFFFD');
  });

  it('fails with its exit code, line and last output', async () => {
    await using scope = openScope();
    const source = nextLine();
    const command = scope.run('sh', ['-c', 'seq 1 30; echo cannot >&2; exit 3']);
    const error = (await rejectionOf(Promise.resolve(command))) as CommandError;
    expect(error).toEqual(failed);
    expect(error.message).toContain(`run sh -c 'seq 1 30; echo cannot >&2; exit 3' (${source}): exit code 3`);
    expect(error.message).toMatch(/last output:\n( {2}\d+\n)+/);
    expect(error.message).toContain('  cannot');
    expect(error.message.split('\n')).toHaveLength(22);
    expect(error.end).toMatchObject({ exitCode: 3, output: expect.stringContaining('1\n2\n3\n') });
  });

  it('fails with the signal that killed it', async () => {
    await using scope = openScope();
    const error = await rejectionOf(Promise.resolve(sh(scope, 'kill -9 $$')));
    expect(error).toMatchObject({ code: 'COMMAND_FAILED', end: { exitCode: undefined, signal: 'SIGKILL' } });
    expect(String(error)).toContain('killed by SIGKILL');
  });

  it.each([
    ['the command does not exist', 'castoff-no-such-command', {}, /command not found \(ENOENT\); install it/],
    [
      'the working directory does not exist',
      'sh',
      { cwd: '/no/such/folder' },
      /working directory \/no\/such\/folder does not exist/,
    ],
    ['it is not executable', '/etc/passwd', {}, /EACCES/],
    ['its name contains a NUL', 'a\0b', {}, /null bytes/],
  ])('fails when %s, and does not fail the close', async (_what, command, options, message) => {
    const scope = openScope();
    const error = await rejectionOf(Promise.resolve(scope.run(command, ['x'], options)));
    expect(error).toEqual(failed);
    expect(String(error)).toMatch(message);
    expect(error).toMatchObject({ end: { pid: undefined, exitCode: undefined } });
    await scope.close();
  });

  it('fails the close when it fails without being awaited', async () => {
    const scope = openScope('orders');
    const source = nextLine();
    const command = scope.run('sh', ['-c', 'exit 3']);
    await until(() => command.state.exitCode === 3);
    const error = await rejectionOf(scope.close());
    expect(error).toMatchObject({ code: 'CLEANUP_FAILED', errors: [failed] });
    expect(String(error)).toContain(`1 of 1 item failed\n  run sh -c 'exit 3' (${source}): exit code 3`);
  });

  it('does not fail the close when its failure was awaited', async () => {
    const scope = openScope();
    await rejectionOf(Promise.resolve(sh(scope, 'exit 3')));
    const { ends } = await scope.close();
    expect(ends).toMatchObject([{ what: `command sh -c 'exit 3'`, command: { exitCode: 3 } }]);
  });

  it.each([
    ['an empty command', ['', []]],
    ['a number as the command', [7, []]],
    ['a string as the arguments', ['ls', '-l']],
    ['undefined as an argument', ['ls', [undefined]]],
    ['NaN as timeoutMs', ['ls', [], { timeoutMs: Number.NaN }]],
    ['a negative graceMs', ['ls', [], { graceMs: -1 }]],
  ])('rejects %s', async (_what, given) => {
    await using scope = openScope();
    const run = (): unknown => Reflect.apply(scope.run.bind(scope), undefined, given);
    expect(run).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });

  it('is rejected by a closed scope', async () => {
    const scope = openScope();
    await scope.close();
    expect(() => sh(scope, 'exit 0')).toThrow(expect.objectContaining({ code: 'SCOPE_CLOSED' }));
  });
});

describe('a command in a closing scope', () => {
  it('is stopped by SIGTERM, which is not a failure', async () => {
    const scope = openScope();
    const command = sh(scope, 'trap "echo bye; exit 7" TERM; echo pid=$$; while :; do sleep 0.05; done');
    const pid = await pidFrom(command, 'pid');
    const { ends } = await scope.close();
    expect(isRunning(pid)).toBe(false);
    expect(ends).toMatchObject([{ error: undefined, command: { exitCode: 7 } }]);
    expect(ends[0]?.command?.output).toContain('bye');
  });

  it('is killed with its child processes when it ignores SIGTERM for graceMs', async () => {
    const scope = openScope();
    const ignoring = `trap "" TERM; sh -c 'trap "" TERM; echo grandchild=$$; while :; do sleep 1; done' & wait`;
    const command = sh(scope, `${ignoring}; while :; do sleep 1; done`, { graceMs: 50 });
    const grandchild = await pidFrom(command, 'grandchild');
    const startedAt = performance.now();
    const { ends } = await scope.close();
    expect(isRunning(grandchild)).toBe(false);
    expect(isRunning(command.state.pid!)).toBe(false);
    expect(performance.now() - startedAt).toBeGreaterThan(50);
    expect(ends).toMatchObject([{ error: undefined, command: { signal: 'SIGKILL' } }]);
  });

  it('is stopped with its background processes, even after it has exited itself', async () => {
    const scope = openScope();
    const command = sh(scope, `sh -c 'trap "" TERM; echo left=$$; while :; do sleep 1; done' & :`, {
      graceMs: 20,
    });
    const left = await pidFrom(command, 'left');
    await command;
    expect(isRunning(left)).toBe(true);
    await scope.close();
    expect(isRunning(left)).toBe(false);
  });

  it('is named with its line when a process that left its group runs on, and does not fail the close', async () => {
    const emitted = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const scope = openScope();
    const source = nextLine();
    const command = scope.run('sh', ['-c', `setsid sh -c 'echo away=$$; exec sleep 60' & exec sleep 60`]);
    const away = await pidFrom(command, 'away');
    await scope.close();
    const messages = emitted.mock.calls.map(([message]) => String(message));
    emitted.mockRestore();
    expect(isRunning(away)).toBe(true);
    process.kill(away, 'SIGKILL');
    expect(messages).toEqual([
      expect.stringContaining(
        `(${source}): process ${away} (sleep 60) has left its process group and runs on`,
      ),
    ]);
  });

  it('is stopped in turn, after the items added after it', async () => {
    const scope = openScope();
    const command = sh(scope, 'echo pid=$$; exec sleep 60');
    const pid = await pidFrom(command, 'pid');
    let wasRunning: boolean | undefined;
    scope.defer('check that it is running', () => void (wasRunning = isRunning(pid)));
    await scope.close();
    expect(wasRunning).toBe(true);
    expect(isRunning(pid)).toBe(false);
  });

  it('rejects for callers that await it, with the reason', async () => {
    const scope = openScope();
    const command = sh(scope, 'exec sleep 60');
    const awaited = rejectionOf(Promise.resolve(command));
    await scope.close();
    expect(await awaited).toMatchObject({ code: 'COMMAND_FAILED', cause: { code: 'SCOPE_CLOSED' } });
  });
});

describe('a command with a timeout', () => {
  it('is stopped at the timeout, and fails with its output', async () => {
    await using scope = openScope();
    const command = sh(scope, 'echo pid=$$; exec sleep 60', { timeoutMs: 2_000 });
    const error = await rejectionOf(Promise.resolve(command));
    expect(error).toMatchObject({ code: 'COMMAND_FAILED', cause: { code: 'DEADLINE_EXCEEDED' } });
    expect(String(error)).toMatch(/stopped: run sh .*: timed out after 2.0 s\nlast output:\n {2}pid=\d+/);
    expect(isRunning(command.state.pid!)).toBe(false);
  });

  it('fails the close when its timeout was not awaited', async () => {
    const scope = openScope();
    const command = sh(scope, 'exec sleep 60', { timeoutMs: 10 });
    await until(() => command.state.endedAt !== undefined);
    expect(await rejectionOf(scope.close())).toMatchObject({ errors: [failed] });
  });

  it("is stopped at once at the scope's timeout, and rejects only for callers that await it", async () => {
    const scope = openScope('orders', { timeoutMs: 50 });
    const awaited = sh(scope, 'exec sleep 60');
    const alone = sh(scope, 'exec sleep 60');
    expect(await rejectionOf(Promise.resolve(awaited))).toMatchObject({ cause: scope.signal.reason });
    expect(await until(() => alone.state.endedAt !== undefined)).toBe(true);
    expect(await scope.close()).toMatchObject({ reason: 'deadline' });
  });
});

describe('a process that exits without closing its scopes', () => {
  it('kills the commands of a scope when the process exits without closing it', async () => {
    const lib = join(__dirname, '../../lib/scope/scope.ts');
    const script = `
      const scope = require(${JSON.stringify(lib)}).openScope();
      const command = scope.run('sh', ['-c', 'trap "" TERM; echo ready; while :; do sleep 1; done']);
      const poll = setInterval(() => {
        if (!command.state.output.includes('ready')) return;
        process.stdout.write(String(command.state.pid));
        process.exit(0);
      }, 5);`;
    const { stdout } = await promisify(execFile)(process.execPath, [...withTypeScript, '-e', script]);
    expect(Number(stdout)).toBeGreaterThan(0);
    expect(await until(() => !isRunning(Number(stdout)))).toBe(true);
  });
});
