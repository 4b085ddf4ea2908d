import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from '@jest/globals';
import Docker from 'dockerode';
import { DockerComposeEnvironment } from 'testcontainers';
import { connectEngine } from '../../lib/engine/connect';
import { recordedIn } from '../../lib/registry/entry';
import { sessionIdentity } from '../../lib/registry/session-identity';
import { openScope } from '../../lib/index';
import { cleanupProject } from '../../lib/resources/compose-project';
import { listOwned } from '../../lib/resources/list-owned';
import { runInStart } from '../../lib/scope/start-context';
import { composeClient } from '../support/compose-client';
import { compose, composeCommand, writeComposeFile } from '../support/compose-command';
import { inATest, stageOfFile, whose } from '../support/capture-stage';
import { sleeper, specImage } from '../support/spec-image';
import { docker, uniqueName } from '../support/things';
import { nextLine } from '../support/this-line';
import { until } from '../support/until';

const stage = stageOfFile();

/** Saves a third of the start. */
const noNetwork = ['--network', 'none'];

const lastEntry = () => stage.entries().at(-1);
const survivor = async (key: string) => (await stage.findSurvivors((entry) => entry.key === key))[0];

/** Runs docker as the user's code would. Resolves to its output. */
async function output(args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const child = spawn('docker', args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const [printed] = await Promise.all([text(child.stdout), once(child, 'close')]);
  return printed.trim();
}

describe('docker commands', () => {
  it('labels a container that a command runs, and keeps its own labels', async () => {
    const source = nextLine();
    const child = spawn('docker', [
      'run',
      '--detach',
      ...noNetwork,
      '--label',
      'mine=kept',
      specImage,
      ...sleeper,
    ]);
    const [id] = await Promise.all([text(child.stdout), once(child, 'close')]);
    const { Config } = await docker.getContainer(id.trim()).inspect();
    expect(Config.Labels['mine']).toBe('kept');
    expect(Config.Cmd).toEqual(sleeper);
    const { key } = lastEntry()!;
    expect(whose(Config.Labels)).toEqual({
      session: sessionIdentity().id,
      test: inATest.test,
      source,
      start: key,
    });
    expect(lastEntry()).toMatchObject({
      origin: 'raw',
      kind: 'container',
      state: 'registered',
      owner: { ...inATest, source },
    });
    expect(await survivor(key)).toMatchObject({ id: id.trim(), state: 'present' });
  });

  it('labels containers, networks and volumes that commands create', async () => {
    const name = uniqueName();
    await output(['container', 'create', '--name', name, specImage]);
    await output(['network', 'create', name]);
    await output(['volume', 'create', name]);
    const [container, network, volume] = await Promise.all([
      docker.getContainer(name).inspect(),
      docker.getNetwork(name).inspect(),
      docker.getVolume(name).inspect(),
    ]);
    const labels = [container.Config.Labels, network.Labels ?? {}, volume.Labels];
    const entries = stage.entries().slice(-3);
    expect(labels.map((one) => one['castoff.start'])).toEqual(entries.map(({ key }) => key));
    expect(await stage.findSurvivors(({ key }) => entries.some((entry) => entry.key === key))).toMatchObject([
      { kind: 'container', id: container.Id, name },
      { kind: 'network', id: network.Id, name },
      { kind: 'volume', id: name },
    ]);
    expect(stage.hasFixedNameOrPort(container.Id)).toBe(true);
  });

  it('labels an image without a tag, as one that testcontainers builds: it is no leak', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'castoff-spec-build-'));
    await writeFile(join(folder, 'Dockerfile'), `FROM ${specImage}\nLABEL mine=kept\n`);
    try {
      const id = await output(['build', '--quiet', '--label', 'zebra=1', folder]);
      const { key } = lastEntry()!;
      expect(stage.isHelper(key)).toBe(true);
      expect(await survivor(key)).toMatchObject({ kind: 'image', id, identity: id, state: 'present' });
      const { Config } = await docker.getImage(id).inspect();
      expect(Config.Labels).toMatchObject({ mine: 'kept', zebra: '1', 'castoff.start': key });
      // BuildKit sets labels without a step in the history: only the recorded id proves the owner.
      const recorded = recordedIn(stage.entries());
      const { owned } = await listOwned(await connectEngine(), [`castoff.start=${key}`], { recorded });
      expect(owned.map((image) => image.id)).toEqual([id]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('leaves an image alone whose name another image had before', async () => {
    const before = stage.entries().length;
    const name = uniqueName();
    await docker.getImage(specImage).tag({ repo: name });
    const folder = await mkdtemp(join(tmpdir(), 'castoff-spec-build-'));
    await writeFile(join(folder, 'Dockerfile'), `FROM ${specImage}\n`);
    try {
      await output(['build', '--quiet', '--label', 'mine=1', folder, '--tag', name]);
      await output(['tag', specImage, name]);
      expect(Object.keys((await docker.getImage(name).inspect()).Config.Labels)).not.toContain(
        'castoff.session',
      );
      expect(stage.entries().length).toBe(before);
    } finally {
      await docker.getImage(name).remove();
      await rm(folder, { recursive: true });
    }
  });

  it('labels an image to which a command gives a new name by a build, an import or a commit', async () => {
    const [built, imported, committed] = [uniqueName(), uniqueName(), uniqueName()];
    const folder = await mkdtemp(join(tmpdir(), 'castoff-spec-build-'));
    await writeFile(join(folder, 'Dockerfile'), `FROM ${specImage}\n`);
    await writeFile(join(folder, 'empty.tar'), Buffer.alloc(1_024));
    try {
      await output(['build', '--quiet', folder, '--tag', built]);
      await output(['import', join(folder, 'empty.tar'), imported]);
      const container = await output(['create', specImage]);
      await output(['commit', '--message', 'mine', '--change', 'LABEL mine=kept', container, committed]);
    } finally {
      await rm(folder, { recursive: true });
    }
    for (const name of [built, imported, committed]) {
      const { Id, Config } = await docker.getImage(name).inspect();
      const entry = stage.entries().find((one) => one.name === name)!;
      expect(Config.Labels).toMatchObject({ 'castoff.start': entry.key, 'castoff.kind': 'image' });
      expect(stage.isHelper(entry.key)).toBe(true);
      expect(await survivor(entry.key)).toMatchObject({
        id: `${name}:latest`,
        identity: Id,
        state: 'present',
      });
    }
    expect((await docker.getImage(committed).inspect()).Config.Labels['mine']).toBe('kept');
  });

  it('records a new name that a command gives to an image, until it is that of another one', async () => {
    const name = uniqueName();
    await output(['tag', specImage, name]);
    const { key } = lastEntry()!;
    const { Id } = await docker.getImage(specImage).inspect();
    expect(stage.isHelper(key)).toBe(true);
    expect(await survivor(key)).toMatchObject({ kind: 'image', id: name, identity: Id, owner: inATest });
    await docker.getImage(name).remove();
    expect(await survivor(key)).toBeUndefined();
    expect((await docker.getImage(specImage).inspect()).Id).toBe(Id);
  });

  it('adds the labels of a scope’s start without registering the container again', async () => {
    const before = stage.entries().length;
    const labels = { 'castoff.session': sessionIdentity().id, 'castoff.start': '00000000deadbeef' };
    const id = await runInStart({ key: '00000000deadbeef', labels }, () => output(['create', specImage]));
    expect((await docker.getContainer(id).inspect()).Config.Labels).toMatchObject(labels);
    expect(stage.entries().length).toBe(before);
  });

  it('reports no container that removed itself or was never created', async () => {
    await output(['run', '--rm', ...noNetwork, specImage, 'true']);
    const ran = lastEntry()!.key;
    await once(spawn('docker', ['run', '--badly'], { stdio: 'ignore' }), 'close');
    const failed = lastEntry()!.key;
    expect(failed).not.toBe(ran);
    for (const key of [ran, failed]) {
      expect(await survivor(key)).toBeUndefined();
      expect(stage.entries().find((entry) => entry.key === key)).toMatchObject({ state: 'gone' });
    }
  });

  it.each([
    ['has another context', { DOCKER_CONTEXT: 'default' }],
    ['has another configuration', { DOCKER_CONFIG: tmpdir() }],
    ['has another home', { HOME: tmpdir() }],
  ])('leaves a command unchanged that %s, which may select another engine', async (_, other) => {
    const before = stage.entries().length;
    const id = await output(['create', specImage], { ...process.env, ...other });
    const { Labels } = (await docker.getContainer(id).inspect()).Config;
    await docker.getContainer(id).remove();
    expect(Object.keys(Labels)).not.toContain('castoff.session');
    expect(stage.entries().length).toBe(before);
  });

  it('labels a container even if the command has a minimal environment', async () => {
    const id = await output(['create', specImage], { PATH: process.env['PATH'] });
    const { Labels } = (await docker.getContainer(id).inspect()).Config;
    expect(Labels['castoff.start']).toBe(lastEntry()!.key);
  });

  it('leaves commands outside the run unchanged', async () => {
    stage.attributeTo(undefined);
    const before = stage.entries().length;
    const id = await output(['create', specImage]);
    const { Labels } = (await docker.getContainer(id).inspect()).Config;
    await docker.getContainer(id).remove();
    stage.attributeTo(inATest);
    expect(Object.keys(Labels)).not.toContain('castoff.session');
    expect(stage.entries().length).toBe(before);
  });
});

describe('docker commands that remove containers', () => {
  it('reports no container that a finished or running command removes', async () => {
    const client = new Docker();
    const [removed, leaving] = [
      await client.createContainer({ Image: specImage }),
      await client.createContainer({ Image: specImage }),
    ];
    await output(['rm', '--force', removed.id]);
    const removing = output(['rm', '--force', leaving.id]);
    const ids = [removed.id, leaving.id];
    expect(stage.entries().slice(-2)).toMatchObject(ids.map((id) => ({ id, state: 'present' })));
    expect(await stage.findSurvivors(({ id = '' }) => ids.includes(id))).toEqual([]);
    const marked = { state: 'gone', outcome: 'removed-elsewhere' };
    expect(stage.entries().slice(-2)).toMatchObject(ids.map((id) => ({ id, ...marked })));
    await removing;
  });
});

describe('Compose projects', () => {
  const composeFile = join(__dirname, '../fixtures/compose/docker-compose.yml');
  const file = async (name: string) =>
    new DockerComposeEnvironment(dirname(composeFile), basename(composeFile))
      .withProjectName(name)
      .withClientOptions(await composeClient());

  it('claims and registers a project of testcontainers until the code brings it down', async () => {
    const name = uniqueName();
    const environment = await file(name);
    const source = nextLine();
    const started = await environment.up();
    expect(lastEntry()).toMatchObject({
      kind: 'compose-project',
      id: name,
      name,
      origin: 'raw',
      owner: { ...inATest, source },
    });
    expect(stage.claimed).toContain(`com.docker.compose.project=${name}`);
    const { key, registeredAt } = lastEntry()!;
    // Registered when its command started, not when it was found.
    const filters = { label: [`com.docker.compose.project=${name}`] };
    const [container] = await docker.listContainers({ filters });
    const { Created } = await docker.getContainer(container!.Id).inspect();
    expect(registeredAt.getTime()).toBeLessThan(Date.parse(Created));
    expect(await survivor(key)).toMatchObject({ id: name, state: 'present' });
    await started.down();
    expect(await survivor(key)).toBeUndefined();
    expect(lastEntry()).toMatchObject({ key, state: 'gone', outcome: 'removed-by-code' });
  });

  it('keeps the logs of a crash-looping service after its project is brought down', async () => {
    const name = uniqueName();
    const command = ['sh', '-c', 'echo cannot reach the broker; exit 3'];
    const worker = { image: specImage, restart: 'always', command, network_mode: 'none' };
    await using stack = await writeComposeFile({ version: '3.5', services: { worker } });
    await stack.up(name);
    const read = async () => (await stage.postMortems(name)).flatMap(({ logLines }) => logLines);
    expect(await until(async () => (await read()).length > 0, 20_000, 100)).toBe(true);
    await compose(['--file', join(stack.folder, 'docker-compose.yml'), '-p', name, 'down']);
    expect(await stage.postMortems(name)).toMatchObject([{ exitCode: 3 }]);
    expect((await read())[0]).toMatchObject({ text: 'cannot reach the broker' });
  });

  it('keeps the logs of a crash-looping service that a command of a scope brings up', async () => {
    const name = uniqueName();
    const crash = ['sh', '-c', 'echo cannot reach the broker; exit 3'];
    const worker = { image: specImage, restart: 'always', command: crash, network_mode: 'none' };
    await using stack = await writeComposeFile({ version: '3.5', services: { worker } });
    const [command = '', ...args] = await composeCommand();
    const path = join(stack.folder, 'docker-compose.yml');
    const before = stage.entries().length;
    const scope = openScope('crashes');
    await scope.run(command, [...args, '--file', path, '-p', name, 'up', '--detach']);
    expect(await until(async () => (await stage.postMortems(name)).length > 0, 20_000, 100)).toBe(true);
    await scope.close();
    expect(await stage.postMortems(name)).toMatchObject([{ exitCode: 3 }]);
    expect(stage.entries().length).toBe(before);
  });

  it('reports a project until another client removes it', async () => {
    const name = uniqueName();
    const [command = '', ...args] = await composeCommand();
    const up = [...args, '--file', composeFile, '-p', name, 'up', '--no-start'];
    await once(spawn(command, up, { stdio: 'ignore' }), 'close');
    const [found] = await stage.findSurvivors(({ id }) => id === name);
    const key = found?.key ?? '';
    expect(found).toMatchObject({ kind: 'compose-project', origin: 'raw', state: 'present' });
    await cleanupProject(await connectEngine(), name);
    expect(await survivor(key)).toBeUndefined();
    expect(lastEntry()).toMatchObject({ key, state: 'gone', outcome: 'removed-elsewhere' });
  });
});
