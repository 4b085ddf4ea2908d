import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseProcessRecord } from '../../lib/registry/process-record';
import { isRunning } from '../support/process-state';
import { until } from '../support/until';
import { withTypeScript } from '../support/with-typescript';

const library = JSON.stringify(join(__dirname, '../../lib/index.ts'));
let folder: string;
let pids: number[];
let parents: ChildProcess[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'castoff-crash-'));
  pids = [];
  parents = [];
});
afterEach(async () => {
  for (const parent of parents) parent.kill('SIGKILL');
  for (const pid of pids) if (isRunning(pid)) process.kill(pid, 'SIGKILL');
  await rm(folder, { recursive: true });
});

/** These processes have journals of their own. */
const env = (): NodeJS.ProcessEnv => ({ ...process.env, TMPDIR: folder, XDG_RUNTIME_DIR: '' });

/** Starts a process that runs a shell script in a scope, and waits for the pids that the script prints. */
async function startParent(script: string, count: number): Promise<ChildProcess> {
  const program = `
    const command = require(${library}).openScope('orders').run('sh', ['-c', ${JSON.stringify(script)}]);
    let seen = 0;
    setInterval(() => {
      const pids = command.state.output.match(/\\d+/g) ?? [];
      if (pids.length < ${count} || seen === pids.length) return;
      seen = pids.length;
      process.stdout.write(pids.join(' ') + '\\n');
    }, 5);`;
  const parent = spawn(process.execPath, [...withTypeScript, '-e', program], {
    env: env(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  parents.push(parent);
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  pids.push(...line.toString().trim().split(' ').map(Number));
  return parent;
}

async function kill(parent: ChildProcess): Promise<void> {
  const exited = once(parent, 'exit');
  parent.kill('SIGKILL');
  await exited;
}

/** Sweeps in a new process, without an engine. Resolves to the code of the error, which is that of the engine. */
async function sweep(options: object = {}): Promise<string> {
  const asked = JSON.stringify({ ...options, engine: `unix://${folder}/none.sock` });
  const program = `require(${library}).sweep(${asked}).catch((error) => process.stdout.write(error.code));`;
  const { stdout } = await promisify(execFile)(process.execPath, [...withTypeScript, '-e', program], {
    env: env(),
  });
  return stdout;
}

const running = (): readonly boolean[] => pids.map((pid) => isRunning(pid));

function journals(): readonly string[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return files.filter((file) => file.endsWith('.jsonl')).map((file) => join(folder, file));
}

const group = `sh -c 'echo $$; exec sleep 60' & echo $$; wait`;

describe('a command whose parent is killed', () => {
  it('is ended with its group by the next sweep, also without an engine, and not by a dry run', async () => {
    await kill(await startParent(group, 2));
    expect(await sweep({ dryRun: true })).toBe('ENGINE_UNREACHABLE');
    expect(running()).toEqual([true, true]);
    expect(await sweep()).toBe('ENGINE_UNREACHABLE');
    expect(running()).toEqual([false, false]);
  });

  it('is ended when it ignores SIGTERM', async () => {
    await kill(await startParent(`trap "" TERM; echo $$; while :; do sleep 0.1; done`, 1));
    await sweep();
    expect(running()).toEqual([false]);
  });

  it('is ended with the processes that outlived it in its group', async () => {
    const parent = await startParent(`sh -c 'echo $$; exec sleep 60' & :`, 1);
    const hasRecordedExit = (): boolean => /"state":"ended"/.test(readFileSync(journals()[0] ?? '', 'utf8'));
    expect(await until(hasRecordedExit)).toBe(true);
    await kill(parent);
    await sweep();
    expect(running()).toEqual([false]);
  });

  it('stays while its parent lives', async () => {
    await startParent(group, 2);
    await sweep();
    expect(running()).toEqual([true, true]);
  });

  it('stays while it is younger than the sweep asks', async () => {
    await kill(await startParent('echo $$; exec sleep 60', 1));
    await sweep({ olderThanMs: 3_600_000 });
    expect(running()).toEqual([true]);
  });

  it.each([
    ['start', 'pidStart', '1'],
    ['boot', 'boot', '0'],
    ['pid namespace', 'pidNamespace', '1'],
    ['host', 'host', 'elsewhere'],
  ])('stays when a process with its pid has another %s', async (_what, field, value) => {
    await kill(await startParent('echo $$; exec sleep 60', 1));
    for (const file of journals()) {
      const lines = readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line !== '');
      const changed = lines.map((line) => {
        const parsed = JSON.parse(line) as { process?: object };
        if (parsed.process === undefined) return line;
        const process = { ...(parsed.process as { process: object }).process, [field]: value };
        return JSON.stringify({ process: { ...parsed.process, process } });
      });
      writeFileSync(file, changed.join('\n'));
    }
    await sweep();
    expect(running()).toEqual([true]);
  });

  it.each([
    ['its scope has closed', 'echo $$; exec sleep 60', 'scope.close()'],
    ['it has ended by itself', 'exit 0', 'command'],
  ])('has left the journal once %s', async (_what, script, awaited) => {
    const program = `
      const scope = require(${library}).openScope();
      const command = scope.run('sh', ['-c', ${JSON.stringify(script)}]);
      const journals = () => require('fs').readdirSync(process.env.TMPDIR, { recursive: true }).filter((file) => /jsonl/.test(file)).length;
      const before = journals();
      ${awaited}.then(() => process.stdout.write(before + ' ' + journals()));`;
    const { stdout } = await promisify(execFile)(process.execPath, [...withTypeScript, '-e', program], {
      env: env(),
    });
    expect(stdout).toBe('1 0');
    expect(existsSync(folder)).toBe(true);
  });
});

describe('the record of a process', () => {
  const process = { host: 'h', boot: 'b', pid: 7, pidStart: '5', pidNamespace: 'n' };
  const record = {
    key: 'k',
    process,
    group: 7,
    command: 'sleep 60',
    owner: { scope: 'orders' },
    startedAt: '2026-11-29T08:00:00.000Z',
    state: 'running',
  };

  it('is parsed', () => {
    expect(parseProcessRecord(record)).toEqual({ ...record, startedAt: new Date(record.startedAt) });
  });

  it.each([
    ['the group of all processes', { group: 1 }],
    ['a negative group', { group: -7 }],
    ['the group of the sweep itself', { group: 0 }],
    ['text as a group', { group: '7' }],
    ['no start', { process: { ...process, pidStart: undefined } }],
    ['no boot', { process: { ...process, boot: undefined } }],
    ['pid 1', { process: { ...process, pid: 1 } }],
  ])('is refused with %s', (_what, change) => {
    expect(parseProcessRecord({ ...record, ...change })).toBeUndefined();
  });
});
