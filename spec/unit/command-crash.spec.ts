import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parseProcessRecord } from '../../lib/registry/process-record';
import { isRunning } from '../support/process-state';
import { until } from '../support/until';
import { withTypeScript } from '../support/with-typescript';

const library = JSON.stringify(join(__dirname, '../../lib/index.ts'));
let folder: string;
const parents: ChildProcess[] = [];
/** By command, the processes that it printed. */
const pids = new Map<string, readonly number[]>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'castoff-crash-'));
});
afterAll(async () => {
  for (const parent of parents) parent.kill('SIGKILL');
  for (const pid of [...pids.values()].flat()) if (isRunning(pid)) process.kill(pid, 'SIGKILL');
  await rm(folder, { recursive: true });
});

/** These processes have journals of their own. */
const env = (): NodeJS.ProcessEnv => ({ ...process.env, TMPDIR: folder, XDG_RUNTIME_DIR: '' });

/** A shell script, and how many processes it prints. */
type Script = readonly [text: string, count: number];

/** Starts a process that runs each script in a scope, and waits for the processes that the scripts print. */
async function startParent(scripts: Readonly<Record<string, Script>>): Promise<ChildProcess> {
  const program = `
    const scripts = ${JSON.stringify(scripts)};
    const commands = Object.entries(scripts).map(([name, [text, count]]) => {
      const command = require(${library}).openScope(name).run('sh', ['-c', text]);
      return { name, count, pids: () => command.state.output.match(/\\d+/g) ?? [] };
    });
    const waiting = setInterval(() => {
      if (!commands.every(({ count, pids }) => pids().length === count)) return;
      clearInterval(waiting);
      setInterval(() => undefined, 60_000);
      process.stdout.write(JSON.stringify(commands.map(({ name, pids }) => [name, pids().map(Number)])));
    }, 5);`;
  const parent = spawn(process.execPath, [...withTypeScript, '-e', program], {
    env: env(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  parents.push(parent);
  const [printed] = (await once(parent.stdout, 'data')) as [Buffer];
  for (const [name, found] of JSON.parse(printed.toString()) as [string, number[]][]) pids.set(name, found);
  return parent;
}

async function kill(parent: ChildProcess): Promise<void> {
  const exited = once(parent, 'exit');
  parent.kill('SIGKILL');
  await exited;
}

/** What a sweep in a new process, without an engine, has come to. */
interface Swept {
  /** The code of its error, which is that of the engine. */
  readonly code: string;
  /** By command, which of its processes run. */
  readonly running: ReadonlyMap<string, readonly boolean[]>;
}

async function sweep(options: object = {}): Promise<Swept> {
  const asked = JSON.stringify({ ...options, engine: `unix://${folder}/none.sock` });
  const program = `require(${library}).sweep(${asked}).catch((error) => process.stdout.write(error.code));`;
  const { stdout } = await promisify(execFile)(process.execPath, [...withTypeScript, '-e', program], {
    env: env(),
  });
  const running = new Map([...pids].map(([name, found]) => [name, found.map((pid) => isRunning(pid))]));
  return { code: stdout, running };
}

function journals(): readonly string[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return files.filter((file) => file.endsWith('.jsonl')).map((file) => join(folder, file));
}

/** Changes the identity of a command in the journals. */
function changeRecord(pid: number | undefined, change: object): void {
  for (const file of journals()) {
    const lines = readFileSync(file, 'utf8').split('\n');
    const changed = lines.map((line) => {
      const parsed = line === '' ? {} : (JSON.parse(line) as { process?: { process: { pid: number } } });
      if (parsed.process?.process.pid !== pid) return line;
      const process = { ...parsed.process?.process, ...change };
      return JSON.stringify({ process: { ...parsed.process, process } });
    });
    writeFileSync(file, changed.join('\n'));
  }
}

const group: Script = [`sh -c 'echo $$; exec sleep 60' & echo $$; wait`, 2];
const single: Script = ['echo $$; exec sleep 60', 1];
const changes = {
  start: { pidStart: '1' },
  boot: { boot: '0' },
  'pid namespace': { pidNamespace: '1' },
  host: { host: 'elsewhere' },
};

describe('a command whose parent is killed', () => {
  let preview: Swept;
  let early: Swept;
  let full: Swept;

  beforeAll(async () => {
    const dead = await startParent({
      group,
      stubborn: ['trap "" TERM; echo $$; while :; do sleep 0.1; done', 1],
      outlived: [`sh -c 'echo $$; exec sleep 60' & :`, 1],
      ...Object.fromEntries(Object.keys(changes).map((name) => [name, single])),
    });
    await startParent({ 'of a living parent': group });
    const hasRecordedExit = (): boolean =>
      journals().some((file) => /"state":"ended"/.test(readFileSync(file, 'utf8')));
    expect(await until(hasRecordedExit)).toBe(true);
    await kill(dead);
    for (const [name, change] of Object.entries(changes)) changeRecord(pids.get(name)?.[0], change);
    preview = await sweep({ dryRun: true });
    early = await sweep({ olderThanMs: 3_600_000 });
    full = await sweep();
  }, 120_000);

  it('is ended with its group by the next sweep, also without an engine', () => {
    expect(full.code).toBe('ENGINE_UNREACHABLE');
    expect(full.running.get('group')).toEqual([false, false]);
  });

  it('stays in a dry run', () => {
    expect(preview.code).toBe('ENGINE_UNREACHABLE');
    expect([...preview.running.values()].flat()).toEqual([...pids.values()].flat().map(() => true));
  });

  it('stays while it is younger than the sweep asks', () => {
    expect([...early.running.values()].flat()).toEqual([...pids.values()].flat().map(() => true));
  });

  it('is ended when it ignores SIGTERM', () => {
    expect(full.running.get('stubborn')).toEqual([false]);
  });

  it('is ended with the processes that outlived it in its group', () => {
    expect(full.running.get('outlived')).toEqual([false]);
  });

  it('stays while its parent lives', () => {
    expect(full.running.get('of a living parent')).toEqual([true, true]);
  });

  it.each(Object.keys(changes))('stays when a process with its pid has another %s', (name) => {
    expect(full.running.get(name)).toEqual([true]);
  });
});

describe('a command of a process', () => {
  it.each([
    ['its scope has closed', 'echo $$; exec sleep 60', 'scope.close()'],
    ['it has ended by itself', 'exit 0', 'command'],
  ])('has left the journal once %s', async (_what, script, awaited) => {
    const own = await mkdtemp(join(folder, 'own-'));
    const program = `
      const scope = require(${library}).openScope();
      const command = scope.run('sh', ['-c', ${JSON.stringify(script)}]);
      const journals = () => require('fs').readdirSync(process.env.TMPDIR, { recursive: true }).filter((file) => /jsonl/.test(file)).length;
      const before = journals();
      ${awaited}.then(() => process.stdout.write(before + ' ' + journals()));`;
    const { stdout } = await promisify(execFile)(process.execPath, [...withTypeScript, '-e', program], {
      env: { ...env(), TMPDIR: own },
    });
    expect(stdout).toBe('1 0');
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
