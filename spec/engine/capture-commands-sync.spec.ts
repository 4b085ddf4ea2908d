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
  throw new Error('it did not fail');
}

/** What the container whose id was printed says of itself, and what is known of it. */
async function seen(printed: string) {
  const { Config } = await docker.getContainer(printed.trim()).inspect();
  const { key, owner } = lastEntry();
  return { labels: whose(Config.Labels), owner, survivor: await survivor(key) };
}

const createdAt = (source: string, printed: string) => ({
  labels: { session: sessionIdentity().id, test: inATest.test, source, start: lastEntry().key },
  owner: { ...inATest, source },
  survivor: { id: printed.trim(), state: 'present' },
});

describe('a container says whose it is that is created by', () => {
  it('execFileSync', async () => {
    const asked = stage.readyCalls();
    const source = nextLine();
    const id = execFileSync('docker', ['create', specImage], { encoding });
    expect(await seen(id)).toMatchObject(createdAt(source, id));
    expect(stage.readyCalls()).toBe(asked + 1);
  });

  it('spawnSync', async () => {
    const source = nextLine();
    const { stdout, status } = spawnSync('docker', ['create', '--label', 'mine=kept', specImage], {
      encoding,
    });
    expect(await seen(stdout)).toMatchObject(createdAt(source, stdout));
    expect(status).toBe(0);
  });

  it('execSync', async () => {
    const cwd = pathToFileURL(__dirname);
    const source = nextLine();
    const id = execSync(`docker create --env 'A=it; is $mine' ${specImage}`, { encoding, cwd });
    expect(await seen(id)).toMatchObject(createdAt(source, id));
    const { Config } = await docker.getContainer(id.trim()).inspect();
    expect(Config.Env).toContain('A=it; is $mine');
  });

  it('a shell that a synchronous function is asked for', async () => {
    const source = nextLine();
    const { stdout } = spawnSync('docker', ['create', specImage], { encoding, shell: true });
    expect(await seen(stdout)).toMatchObject(createdAt(source, stdout));
    const line = nextLine();
    const id = execFileSync(`docker create ${specImage}`, { encoding, shell: '/bin/bash' });
    expect(await seen(id)).toMatchObject(createdAt(line, id));
    const third = nextLine();
    const other = execFileSync('sh', ['-c', `docker create ${specImage}`], { encoding });
    expect(await seen(other)).toMatchObject(createdAt(third, other));
  });

  it('exec', async () => {
    const source = nextLine();
    const { stdout } = await promisify(exec)(`docker create \\\n  ${specImage}\n`);
    expect(await seen(stdout)).toMatchObject(createdAt(source, stdout));
  });

  it('spawn with a shell', async () => {
    const source = nextLine();
    const child = spawn(`docker create ${specImage}`, { shell: true });
    const [printed] = await Promise.all([text(child.stdout), once(child, 'close')]);
    expect(await seen(printed)).toMatchObject(createdAt(source, printed));
  });
});

describe('what a synchronous command makes', () => {
  it('is a network and a volume, too', async () => {
    const name = uniqueName();
    execSync(`docker network create ${name}`, { stdio: 'ignore' });
    execFileSync('docker', ['volume', 'create', name]);
    const entries = stage.entries().slice(-2);
    expect(await stage.findSurvivors(({ key }) => entries.some((entry) => entry.key === key))).toMatchObject([
      { kind: 'network', name, state: 'present' },
      { kind: 'volume', id: name, state: 'present' },
    ]);
  });

  it('is gone where a command has removed it, or it came to nothing', async () => {
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

describe('a command is left as it is', () => {
  it.each([
    ['a shell has more to do than that', () => execSync(`docker create ${specImage} && true`, { encoding })],
    [
      'the shell has words to make',
      () => execSync(`docker create $IMAGE`, { encoding, env: { ...process.env, IMAGE: specImage } }),
    ],
    [
      'it goes to another engine',
      () =>
        execSync(`DOCKER_HOST=unix:///var/run/../run/docker.sock docker create ${specImage}`, { encoding }),
    ],
  ])('where %s', async (_, create) => {
    const before = stage.entries().length;
    const id = create().trim();
    const { Labels } = (await docker.getContainer(id).inspect()).Config;
    await docker.getContainer(id).remove();
    expect(Object.keys(Labels)).not.toContain('castoff.session');
    expect(stage.entries().length).toBe(before);
  });

  it('where it fails: the error has the command as it was given', () => {
    const given = {
      file: ['create', 'castoff-spec/no such image'],
      text: "docker create 'castoff-spec/no such image'",
    };
    const ends = [
      () => execFileSync('docker', given.file, { stdio: 'pipe' }),
      () => execSync(given.text, { stdio: 'pipe' }),
    ].map((run) => thrownBy(run));
    expect(ends.map(({ message }) => message.split('\n')[0])).toEqual([
      'Command failed: docker create castoff-spec/no such image',
      `Command failed: ${given.text}`,
    ]);
    expect(ends.map(({ stack = '' }) => stack.includes('castoff.session'))).toEqual([false, false]);
  });

  it('where Node would not run it: its own error comes', () => {
    const wrong = spawnSync as unknown as (...args: readonly unknown[]) => unknown;
    expect(() => wrong('docker', 'create')).toThrow(/"args" argument/);
    expect(() => wrong(undefined)).toThrow(/"file" argument/);
    expect(() => wrong('docker', ['create', 1])).not.toThrow();
    expect(() => execFileSync('/no/such/docker', ['create', specImage])).toThrow('ENOENT');
  });
});
