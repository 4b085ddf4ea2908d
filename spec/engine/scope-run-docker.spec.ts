import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { openScope, type Command, type Scope } from '../../lib/index';
import { connectEngine } from '../../lib/engine/connect';
import { claimedLabels } from '../../lib/registry/claims';
import type { RegistryEntry } from '../../lib/registry/entry';
import { sessionIdentity } from '../../lib/registry/session-identity';
import { cleanupProject } from '../../lib/resources/compose-project';
import { compose, composeCommand } from '../support/compose-command';
import { partsOfProject, writeStack } from '../support/compose-stack';
import { removeLeftovers } from '../support/leftovers';
import { specImage } from '../support/spec-image';
import { docker, exists, specLabel, uniqueName } from '../support/things';
import { nextLine } from '../support/this-line';
import { until } from '../support/until';

afterAll(() => removeLeftovers());

const label = Object.entries(specLabel).map(([name, value]) => `--label=${name}=${value}`);
/** Of a container that SIGTERM does not end. */
const stubborn = ['sh', '-c', 'trap "" TERM; echo up; while :; do sleep 1; done'];
const runArgs = (...args: readonly string[]) => ['run', '--network=none', ...label, ...args];

function entriesOf(scope: Scope): readonly RegistryEntry[] {
  return sessionIdentity().registry.list({ scope: scope.name });
}

async function outputOf(command: Command, text: string): Promise<void> {
  expect(await until(() => command.state.output.includes(text), 20_000)).toBe(true);
}

async function idOf(name: string): Promise<string> {
  return (await docker.getContainer(name).inspect()).Id;
}

describe('a container that a command of a scope runs', () => {
  it('is removed after its command, although it ignores SIGTERM', async () => {
    const scope = openScope(uniqueName());
    const name = uniqueName();
    const source = nextLine();
    const command = scope.run('docker', runArgs('--rm', '--name', name, specImage, ...stubborn), {
      graceMs: 100,
    });
    await outputOf(command, 'up');
    const id = await idOf(name);
    const { ends } = await scope.close();
    expect(await exists('container', id)).toBe(false);
    expect(ends).toMatchObject([
      { source, command: { pid: expect.any(Number) } },
      { what: expect.stringContaining(name), source, result: { kind: 'container', id, outcome: 'removed' } },
    ]);
    expect(entriesOf(scope)).toMatchObject([
      { kind: 'container', id, name, state: 'gone', outcome: 'removed' },
    ]);
  });

  it('is present in the registry, with the labels of its owner, when its command has exited', async () => {
    const scope = openScope(uniqueName());
    const { output } = await scope.run('docker', runArgs('--detach', specImage, ...stubborn));
    const id = output.trim();
    expect(entriesOf(scope)).toMatchObject([{ kind: 'container', id, state: 'present', origin: 'scope' }]);
    const { Labels } = (await docker.getContainer(id).inspect()).Config;
    expect(Labels).toMatchObject({
      'castoff.session': sessionIdentity().id,
      'castoff.start': entriesOf(scope)[0]!.key,
      'castoff.scope': scope.name,
    });
    await scope.close();
    expect(await exists('container', id)).toBe(false);
  });

  it('is no item of the report when its command has removed it', async () => {
    const scope = openScope(uniqueName());
    await scope.run('docker', runArgs('--rm', specImage, 'true'));
    expect((await scope.close()).ends).toHaveLength(1);
    expect(entriesOf(scope)).toMatchObject([{ state: 'gone', outcome: 'removed-elsewhere' }]);
  });

  it.each([
    ['of an image that does not exist', runArgs('--pull=never', 'castoff-spec/no-such-image:1')],
    ['with a flag that does not exist', runArgs('--no-such-flag', specImage)],
  ])('was never created by a command %s', async (_what, args) => {
    const scope = openScope(uniqueName());
    await expect(Promise.resolve(scope.run('docker', args))).rejects.toMatchObject({
      code: 'COMMAND_FAILED',
    });
    await scope.close();
    expect(entriesOf(scope)).toMatchObject([{ state: 'gone', outcome: 'never-created' }]);
  });

  it('was never created by a command that cannot be started', async () => {
    const scope = openScope(uniqueName());
    const command = scope.run('docker', runArgs(specImage), { cwd: '/no/such/folder' });
    await expect(Promise.resolve(command)).rejects.toMatchObject({ code: 'COMMAND_FAILED' });
    await scope.close();
    expect(entriesOf(scope)).toMatchObject([{ state: 'gone', outcome: 'never-created' }]);
  });

  it('is removed when its command could not start it', async () => {
    const scope = openScope(uniqueName());
    const name = uniqueName();
    const command = scope.run('docker', runArgs('--name', name, specImage, '/no/such/program'));
    await expect(Promise.resolve(command)).rejects.toMatchObject({ code: 'COMMAND_FAILED' });
    expect(await exists('container', name)).toBe(true);
    await scope.close();
    expect(await exists('container', name)).toBe(false);
  });

  it('is removed when the scope closes before its command has created it', async () => {
    const scope = openScope(uniqueName());
    const name = uniqueName();
    const command = scope.run('docker', runArgs('--name', name, specImage, ...stubborn), { graceMs: 0 });
    expect(await until(() => command.state.pid !== undefined, 5_000, 1)).toBe(true);
    await scope.close();
    expect(await exists('container', name)).toBe(false);
    expect(entriesOf(scope)).toMatchObject([{ state: 'gone' }]);
  });

  it('is not created when the scope closes before its command has started', async () => {
    const scope = openScope(uniqueName());
    const command = scope.run('docker', runArgs(specImage, ...stubborn));
    await scope.close();
    expect(command.state).toMatchObject({ pid: undefined });
    expect(entriesOf(scope).filter(({ state }) => state !== 'gone')).toEqual([]);
  });

  it('is found in the text of a shell', async () => {
    const scope = openScope(uniqueName());
    const text = `docker run --detach --network=none ${label.join(' ')} ${specImage} true`;
    const { output } = await scope.run('sh', ['-c', text]);
    expect(await exists('container', output.trim())).toBe(true);
    await scope.close();
    expect(await exists('container', output.trim())).toBe(false);
  });
});

describe('what a command of a scope creates on an engine that it selects itself', () => {
  const { DOCKER_HOST: host = 'unix:///var/run/docker.sock' } = process.env;
  let folder: string;
  let other: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'castoff-spec-engine-'));
    // Another address of the same engine.
    other = `unix://${join(folder, 'docker.sock')}`;
    await symlink(host.replace('unix://', ''), join(folder, 'docker.sock'));
    const context = ['context', 'create', 'east', '--docker', `host=${other}`];
    await promisify(execFile)('docker', context, { env: { ...process.env, DOCKER_CONFIG: folder } });
  });
  afterAll(() => rm(folder, { recursive: true }));

  it.each([
    ['--host', () => ['--host', other], () => ({})],
    ['-H', () => [`-H=${other}`], () => ({})],
    ['--context', () => ['--context', 'east'], () => ({ DOCKER_CONFIG: folder })],
    ['--config', () => ['--config', folder, '-c', 'east'], () => ({})],
    ['DOCKER_HOST', () => [], () => ({ DOCKER_HOST: other })],
  ])('is removed there: by %s', async (_, flags, env) => {
    const scope = openScope(uniqueName());
    const args = [...flags(), ...runArgs('--detach', specImage, ...stubborn)];
    const id = (await scope.run('docker', args, { env: env() })).output.trim();
    expect(entriesOf(scope)).toMatchObject([{ id, state: 'present', engine: other }]);
    await scope.close();
    expect(await exists('container', id)).toBe(false);
    expect(entriesOf(scope)).toMatchObject([{ state: 'gone', outcome: 'removed' }]);
  });

  it('is not claimed where the reaper of this process is: a Compose project', async () => {
    const project = uniqueName();
    const stack = await mkdtemp(join(folder, 'stack-'));
    await writeStack(stack, 'docker-compose.yml', { app: ['data:/data'] });
    const [command = '', ...first] = await composeCommand();
    const scope = openScope(uniqueName());
    const up = [...first, '--project-name', project, 'up', '--no-start'];
    await scope.run(command, up, { cwd: stack, env: { DOCKER_HOST: other } });
    expect(await partsOfProject(project)).toHaveLength(3);
    expect(claimedLabels()).toEqual([]);
    await scope.close();
    expect(await partsOfProject(project)).toEqual([]);
  });
});

it.each(['network', 'volume'] as const)('a %s that a command of a scope creates is removed', async (kind) => {
  const scope = openScope(uniqueName());
  const name = uniqueName();
  await scope.run('docker', [kind, 'create', ...label, name]);
  expect(entriesOf(scope)).toMatchObject([{ kind, name, state: 'present' }]);
  const { ends } = await scope.close();
  expect(await exists(kind, name)).toBe(false);
  expect(ends).toMatchObject([{ command: {} }, { result: { kind, outcome: 'removed' } }]);
});

it('a volume that existed before a command of a scope stays', async () => {
  const name = uniqueName();
  await docker.createVolume({ Name: name, Labels: specLabel });
  const scope = openScope(uniqueName());
  await scope.run('docker', ['volume', 'create', name]);
  await scope.close();
  expect(await exists('volume', name)).toBe(true);
});

it('a command that creates nothing on the engine is an item of its own', async () => {
  const scope = openScope(uniqueName());
  await scope.run('docker', ['version']);
  expect((await scope.close()).ends).toHaveLength(1);
  expect(entriesOf(scope)).toEqual([]);
});

describe('a Compose project that a command of a scope brings up', () => {
  let folder: string;
  let project: string;
  let command: string;
  let first: readonly string[];
  beforeAll(async () => {
    [command = '', ...first] = await composeCommand();
    folder = await mkdtemp(join(tmpdir(), 'castoff-spec-run-'));
    await writeStack(folder, 'docker-compose.yml', { app: ['data:/data'] });
    await writeStack(folder, 'beside.yml', { beside: ['more:/more'] });
    project = uniqueName();
  });
  afterAll(() => rm(folder, { recursive: true }));
  afterEach(async () => cleanupProject(await connectEngine(), project));

  const parts = () => partsOfProject(project);
  const run = (scope: Scope, ...args: readonly string[]) =>
    scope.run(command, [...first, '--project-name', project, ...args], { cwd: folder });

  it('is claimed while its command runs and after it, and is removed with the scope', async () => {
    const scope = openScope(uniqueName());
    const ofProject = `com.docker.compose.project=${project}`;
    const up = run(scope, 'up', '--no-start');
    expect(await until(() => up.state.pid !== undefined, 20_000, 1)).toBe(true);
    expect(claimedLabels()).toEqual([{ labels: [ofProject], bounds: { except: [] } }]);
    await up;
    expect(claimedLabels()).toEqual([{ labels: [ofProject], bounds: { only: expect.any(Array) } }]);
    expect(await parts()).toHaveLength(3);
    const { ends } = await scope.close();
    expect(await parts()).toEqual([]);
    expect(ends).toMatchObject([
      { command: {} },
      { result: { kind: 'compose-project', outcome: 'removed' } },
    ]);
    expect(entriesOf(scope)).toMatchObject([{ id: project, state: 'gone', outcome: 'removed' }]);
    expect(claimedLabels()).toEqual([]);
  });

  it('is removed when its command runs as long as the project', async () => {
    const scope = openScope(uniqueName());
    void run(scope, 'up');
    expect(await until(async () => (await parts()).length === 3, 20_000, 50)).toBe(true);
    await scope.close();
    expect(await parts()).toEqual([]);
    expect(claimedLabels()).toEqual([]);
  });

  it('is found by its folder when it has no name, and is removed without what others add to it later', async () => {
    const scope = openScope(uniqueName());
    const unnamed = basename(folder).toLowerCase();
    await scope.run(command, [...first, 'up', '--no-start'], { cwd: folder });
    expect(entriesOf(scope)).toMatchObject([{ id: unnamed, state: 'present' }]);
    expect(await partsOfProject(unnamed)).toHaveLength(3);
    await compose(['-f', join(folder, 'beside.yml'), '-p', unnamed, 'up', '--no-start']);
    await scope.close();
    const kept = (await partsOfProject(unnamed)).map((part) => part.split(' ').slice(0, 2).join(' '));
    expect(kept).toContain('container beside');
    expect(kept).not.toContain('container app');
    await cleanupProject(await connectEngine(), unnamed);
  });

  it('of a developer keeps its parts, also one that the command replaces', async () => {
    await compose(['-f', join(folder, 'docker-compose.yml'), '-p', project, 'up', '--no-start']);
    const before = await parts();
    const scope = openScope(uniqueName());
    await run(scope, 'up', '--no-start', '--force-recreate');
    const recreated = await parts();
    expect(recreated).not.toEqual(before);
    await run(scope, 'run', '-T', '--no-deps', 'app', 'true');
    await run(scope, '--file', 'beside.yml', 'up', '--no-start');
    expect((await parts()).length).toBe(recreated.length + 3);
    await scope.close();
    expect(await parts()).toEqual(recreated);
    expect(claimedLabels()).toEqual([]);
  });
});
