import { exec, execFileSync, execSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { sessionIdentity } from '../../lib/registry/session-identity';
import { inATest, stageOfFile, whose } from '../support/capture-stage';
import { specImage } from '../support/spec-image';
import { docker, uniqueName } from '../support/things';
import { nextLine } from '../support/this-line';

const stage = stageOfFile();

const encoding = 'utf8' as const;
const lastEntry = () => stage.entries().at(-1)!;
const survivor = async (key: string) => (await stage.findSurvivors((entry) => entry.key === key))[0];

function thrownBy(run: () => unknown): Error {
  try {
    run();
  } catch (error) {
    return error as Error;
  }
  throw new Error('expected an error');
}

/** Resolves to the labels of the container whose id was printed, its registered owner and its entry as a survivor. */
async function captured(printed: string) {
  const { Config } = await docker.getContainer(printed.trim()).inspect();
  const { key, owner } = lastEntry();
  return { labels: whose(Config.Labels), owner, survivor: await survivor(key) };
}

const createdAt = (source: string, printed: string) => ({
  labels: { session: sessionIdentity().id, test: inATest.test, source, start: lastEntry().key },
  owner: { ...inATest, source },
  survivor: { id: printed.trim(), state: 'present' },
});

describe('docker commands in shells and synchronous calls', () => {
  it('labels a container created with execFileSync', async () => {
    const readyCalls = stage.readyCalls();
    const source = nextLine();
    const id = execFileSync('docker', ['create', specImage], { encoding });
    expect(await captured(id)).toMatchObject(createdAt(source, id));
    expect(stage.readyCalls()).toBe(readyCalls + 1);
  });

  it('labels a container created with spawnSync', async () => {
    const source = nextLine();
    const { stdout, status } = spawnSync('docker', ['create', '--label', 'mine=kept', specImage], {
      encoding,
    });
    expect(await captured(stdout)).toMatchObject(createdAt(source, stdout));
    expect(status).toBe(0);
  });

  it('labels a container created with execSync', async () => {
    const cwd = pathToFileURL(__dirname);
    const source = nextLine();
    const id = execSync(`docker create --env 'A=it; is $mine' ${specImage}`, { encoding, cwd });
    expect(await captured(id)).toMatchObject(createdAt(source, id));
    const { Config } = await docker.getContainer(id.trim()).inspect();
    expect(Config.Env).toContain('A=it; is $mine');
  });

  it('labels a container created by a shell in a synchronous call', async () => {
    const source = nextLine();
    const { stdout } = spawnSync('docker', ['create', specImage], { encoding, shell: true });
    expect(await captured(stdout)).toMatchObject(createdAt(source, stdout));
    const line = nextLine();
    const id = execFileSync(`docker create ${specImage}`, { encoding, shell: '/bin/bash' });
    expect(await captured(id)).toMatchObject(createdAt(line, id));
    const third = nextLine();
    const other = execFileSync('sh', ['-c', `docker create ${specImage}`], { encoding });
    expect(await captured(other)).toMatchObject(createdAt(third, other));
  });

  it('labels a container created with exec', async () => {
    const source = nextLine();
    const { stdout } = await promisify(exec)(`docker create \\\n  ${specImage}\n`);
    expect(await captured(stdout)).toMatchObject(createdAt(source, stdout));
  });

  it('labels a container created by a shell in spawn', async () => {
    const source = nextLine();
    const child = spawn(`docker create ${specImage}`, { shell: true });
    const [printed] = await Promise.all([text(child.stdout), once(child, 'close')]);
    expect(await captured(printed)).toMatchObject(createdAt(source, printed));
  });
});

describe('other resources of synchronous commands', () => {
  it('captures networks and volumes', async () => {
    const name = uniqueName();
    execSync(`docker network create ${name}`, { stdio: 'ignore' });
    execFileSync('docker', ['volume', 'create', name]);
    const entries = stage.entries().slice(-2);
    expect(await stage.findSurvivors(({ key }) => entries.some((entry) => entry.key === key))).toMatchObject([
      { kind: 'network', name, state: 'present' },
      { kind: 'volume', id: name, state: 'present' },
    ]);
  });

  it('reports no container if a command removed it or its creation failed', async () => {
    const id = execFileSync('docker', ['create', specImage], { encoding }).trim();
    execSync(`docker rm ${id}`);
    const { key: removed } = lastEntry();
    expect(() => execSync('docker run --badly', { stdio: 'ignore' })).toThrow('Command failed');
    const { key: failed } = lastEntry();
    expect(failed).not.toBe(removed);
    expect(await survivor(removed)).toBeUndefined();
    expect(await survivor(failed)).toBeUndefined();
  });
});

describe('commands that are left unchanged', () => {
  it.each([
    [
      'the shell runs more than one command',
      () => execSync(`docker create ${specImage} && true`, { encoding }),
    ],
    [
      'the shell has to expand it',
      () => execSync(`docker create $IMAGE`, { encoding, env: { ...process.env, IMAGE: specImage } }),
    ],
    [
      'it goes to another engine',
      () =>
        execSync(`DOCKER_HOST=unix:///var/run/../run/docker.sock docker create ${specImage}`, { encoding }),
    ],
  ])('leaves a command unchanged if %s', async (_, create) => {
    const before = stage.entries().length;
    const id = create().trim();
    const { Labels } = (await docker.getContainer(id).inspect()).Config;
    await docker.getContainer(id).remove();
    expect(Object.keys(Labels)).not.toContain('castoff.session');
    expect(stage.entries().length).toBe(before);
  });

  it('shows the original command in the error of a failed command', () => {
    const command = {
      file: ['create', 'castoff-spec/no such image'],
      text: "docker create 'castoff-spec/no such image'",
    };
    const errors = [
      () => execFileSync('docker', command.file, { stdio: 'pipe' }),
      () => execSync(command.text, { stdio: 'pipe' }),
    ].map((run) => thrownBy(run));
    expect(errors.map(({ message }) => message.split('\n')[0])).toEqual([
      'Command failed: docker create castoff-spec/no such image',
      `Command failed: ${command.text}`,
    ]);
    expect(errors.map(({ stack = '' }) => stack.includes('castoff.session'))).toEqual([false, false]);
  });

  it('lets Node.js reject invalid arguments with its own error', () => {
    const spawnInvalid = spawnSync as unknown as (...args: readonly unknown[]) => unknown;
    expect(() => spawnInvalid('docker', 'create')).toThrow(/"args" argument/);
    expect(() => spawnInvalid(undefined)).toThrow(/"file" argument/);
    expect(() => spawnInvalid('docker', ['create', 1])).not.toThrow();
    expect(() => execFileSync('/no/such/docker', ['create', specImage])).toThrow('ENOENT');
  });
});
