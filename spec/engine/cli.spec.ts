import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { version } from '../../package.json';
import { readOwner } from '../../lib/processes/owner';
import { built } from '../support/built';
import { openFaultProxy, type FaultProxy } from '../support/fault-proxy';
import { removeLeftovers } from '../support/leftovers';
import { createLabelled, deadOwner, labelsOf, someSession } from '../support/owned-things';
import { runCastoff } from '../support/run-castoff';
import { docker } from '../support/things';

let proxy: FaultProxy;
beforeAll(async () => {
  proxy = await openFaultProxy();
});
afterAll(async () => {
  await proxy.close();
  await removeLeftovers();
});

/** The first line on stderr, of a run that must fail with exit code 2 and print nothing else. */
async function refusalOf(...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await runCastoff(args);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  return stderr.trimEnd();
}

describe('the command castoff', () => {
  it('prints its version', async () => {
    expect(await runCastoff(['--version'])).toEqual({ exitCode: 0, stdout: `${version}\n`, stderr: '' });
  });

  it.each([
    [['swep'], "unknown command 'swep'\n(Did you mean sweep?)"],
    [['help', 'nope'], "unknown command 'nope'"],
    [['help', 'doctr'], "unknown command 'doctr'\n(Did you mean doctor?)"],
    [['help', 'reaper', 'imgae'], "unknown command 'imgae'\n(Did you mean image?)"],
    [['reaper', 'help', 'imgae'], "unknown command 'imgae'\n(Did you mean image?)"],
    [['reaper', 'imgae'], "unknown command 'imgae'\n(Did you mean image?)"],
    [['ls', '--filer', 'x'], "unknown option '--filer'\n(Did you mean --filter?)"],
    [['reaper', 'deploy', 'helm'], 'Allowed choices are compose, stack, kubernetes.'],
    [['ls', '-H', 'ftp://engine'], '--host: got "ftp://engine", whose scheme ftp:// is not supported'],
    [['ls', '--context', 'a', '-H', 'unix:///b'], '--host and --context: give one of the two'],
  ])('refuses %j, and says why', async (args, message) => {
    expect(await refusalOf(...args)).toContain(message);
  });

  it('prints the help of a command', async () => {
    const { exitCode, stdout } = await runCastoff(['help', 'reaper', 'image']);
    expect({ exitCode, usage: stdout.split('\n')[0] }).toEqual({
      exitCode: 0,
      usage: 'Usage: castoff reaper image [options]',
    });
  });

  it.each([
    [['--host', 'unix:///nowhere', 'ls']],
    [['ls', '-H', 'unix:///nowhere']],
    [['sweep', '-H', 'unix:///nowhere']],
    [['doctor', '-H', 'unix:///nowhere']],
    [['reaper', 'image', '-H', 'unix:///nowhere']],
  ])('uses the engine that a flag names, before the one of the environment: %j', async (args) => {
    const { exitCode, stdout, stderr } = await runCastoff(args, { DOCKER_HOST: proxy.address });
    expect(exitCode).toBe(1);
    expect(`${stdout}${stderr}`).toContain('unix:///nowhere (DOCKER_HOST): no such socket');
  });

  it('uses the context that a flag names', async () => {
    const { exitCode, stderr } = await runCastoff(['ls', '--context', 'castoff-spec-none']);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: expect.stringContaining('context "castoff-spec-none" does not exist'),
    });
  });

  it('ends quietly when the reader of its output has gone, whatever the command', async () => {
    const commands = [
      ['--version'],
      ['--help'],
      ['help', 'sweep'],
      ['ls', '--json'],
      ['doctor'],
      ['sweep', '--dry-run', '--json'],
      ['reaper', 'deploy', 'compose'],
      ['reaper', 'image'],
    ];
    const ends = await Promise.all(
      commands.map(async (args) => {
        const child = spawn(process.execPath, [built.cli, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
        // Like `| head -0`: closes the pipe at once.
        child.stdout.destroy();
        const [stderr, [exitCode]] = await Promise.all([
          text(child.stderr),
          once(child, 'exit') as Promise<[number | null]>,
        ]);
        // The image's notes go to standard error.
        return { args, exitCode, stderr: args[1] === 'image' ? '' : stderr };
      }),
    );
    expect(ends).toEqual(commands.map((args) => ({ args, exitCode: 0, stderr: '' })));
  });
});

describe('castoff ls', () => {
  it('prints ids, templates and JSON of what its filters select', async () => {
    const [session, living] = [someSession(), someSession()];
    const source = { 'castoff.source': 'spec/a.spec.ts:12' };
    const id = await createLabelled(docker, { ...labelsOf(session, deadOwner()), ...source });
    await createLabelled(docker, labelsOf(living, readOwner()));
    const list = async (...args: string[]): Promise<string> => (await runCastoff(['ls', ...args])).stdout;
    const own = ['--filter', `session=${session}`, `session=${living}`];

    expect((await list('-q', ...own)).split('\n').toSorted()).toEqual(['', session, living].toSorted());
    expect(await list('-q', ...own, '--filter', 'state=dead')).toBe(`${session}\n`);
    expect(await list('--format', '{{kind}} {{.ID}} {{source}}', ...own, '--filter', 'state=dead')).toBe(
      `container ${id} spec/a.spec.ts:12\n`,
    );
    const json = await list('--format', 'json', ...own, '--filter', 'source=spec/*');
    expect(JSON.parse(json)).toMatchObject([{ session, state: 'dead', things: [{ id }] }]);
    expect(await list(...own)).toMatch(
      /\n2 sessions \(1 alive, 1 dead\): 2 containers on unix:\S+\ncastoff sweep removes what dead owners left; --dry-run shows it first\n$/,
    );
    expect(await list('--filter', `session=${someSession()}`)).toMatch(
      /^no castoff resources match the filter/,
    );
  });
});

interface Examined {
  readonly ok: boolean;
  readonly checks: readonly { readonly name: string; readonly status: string; readonly text: string }[];
}

describe('castoff doctor', () => {
  it('examines the engine, and only asks it', async () => {
    await createLabelled(docker, labelsOf(someSession(), deadOwner()));
    const before = proxy.calls.length;
    const { exitCode, stdout, stderr } = await runCastoff(['doctor', '--json'], {
      DOCKER_HOST: proxy.address,
      CASTOFF_LEEKS: 'off',
    });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const { ok, checks }: Examined = JSON.parse(stdout);
    expect(ok).toBe(true);
    const found = Object.fromEntries(checks.map(({ name, ...check }) => [name, check]));
    expect(found).toMatchObject({
      engine: { status: 'ok', text: `${proxy.address} (DOCKER_HOST)` },
      version: { status: 'ok', text: expect.stringMatching(/^(Docker|Podman) \d\S*, API 1\.\d+, store \w/) },
      socket: { text: expect.stringContaining(proxy.socketPath) },
      leftovers: {
        status: 'warn',
        text: expect.stringMatching(/resources? of \d+ sessions? whose owners are dead/),
      },
      testcontainers: { status: 'ok' },
      variables: { status: 'warn', text: expect.stringContaining('castoff has no CASTOFF_LEEKS') },
    });
    const methods = proxy.calls.slice(before).map(({ method }) => method);
    expect(methods.length).toBeGreaterThan(5);
    expect(methods.filter((method) => method !== 'GET' && method !== 'HEAD')).toEqual([]);
  });

  it('fails without an engine, and for a reaper that does not answer', async () => {
    const { exitCode, stdout } = await runCastoff(['doctor', '-H', 'unix:///nowhere'], {
      CASTOFF_REAPER: 'tcp://127.0.0.1:1',
    });
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^fail {2}engine +find a Docker engine: unix:\/\/\/nowhere/m);
    expect(stdout).toMatch(/^fail {2}reaper +connect to the reaper at tcp:\/\/127\.0\.0\.1:1: /m);
    expect(stdout).toMatch(/^2 failures/m);
  });

  it('fits into a narrow terminal', async () => {
    const command = `stty cols 50; ${process.execPath} ${built.cli} doctor`;
    const { stdout } = await promisify(execFile)('script', ['-qec', `sh -c '${command}'`, '/dev/null'], {
      env: { ...process.env, NO_COLOR: '1' },
    });
    const lines = stdout.split(/\r?\n/);
    expect(lines.length).toBeGreaterThan(10);
    expect(lines.filter((line) => line.length > 50 && line.trim().includes(' '))).toEqual([]);
  });
});
