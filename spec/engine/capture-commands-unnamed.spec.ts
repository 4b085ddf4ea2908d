import { execFileSync, execSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { connectEngine } from '../../lib/engine/connect';
import { cleanupProject } from '../../lib/resources/compose-project';
import { composeCommand } from '../support/compose-command';
import { removeLeftovers } from '../support/leftovers';
import { inATest, stageOfFile } from '../support/capture-stage';
import { specImage } from '../support/spec-image';
import { docker, exists, specLabel, uniqueName } from '../support/things';
import { nextLine } from '../support/this-line';
import { until } from '../support/until';

const stage = stageOfFile();
let command: string;
let commandArgs: readonly string[];
let folder: string;
/** The project name that Compose derives from the folder. */
let project: string;

beforeAll(async () => {
  commandArgs = await composeCommand();
  command = commandArgs.join(' ');
});
afterAll(() => removeLeftovers());

/** Creates a folder with a Compose file of one service. */
async function openFolder(service: object): Promise<void> {
  stage.attributeTo(inATest);
  folder = await mkdtemp(join(tmpdir(), 'castoff-spec-compose-'));
  project = basename(folder).toLowerCase();
  const web = { image: specImage, stop_signal: 'SIGKILL', volumes: ['data:/data'], ...service };
  await writeFile(
    join(folder, 'docker-compose.yml'),
    JSON.stringify({ version: '3.5', services: { web }, volumes: { data: {} } }),
  );
}

async function removeFolder(): Promise<void> {
  await cleanupProject(await connectEngine(), project);
  await rm(folder, { recursive: true });
}

const stdio = 'ignore' as const;
const ofProject = ({ name }: { readonly name?: string | undefined }): boolean => name === project;
const entriesOfProject = () => stage.entries().filter(ofProject);
const survivors = () => stage.findSurvivors(ofProject);
const labelled = () => ({ filters: { label: [`com.docker.compose.project=${project}`] } });
const containers = async () =>
  (await docker.listContainers({ all: true, ...labelled() })).map(({ Id }) => Id);

/** Creates an image labelled as if Compose 2 had built it for a project. */
async function commitImage(labels: Readonly<Record<string, string>>): Promise<string> {
  const name = uniqueName();
  stage.attributeTo(undefined);
  const container = await docker.createContainer({ Image: specImage, Labels: { ...specLabel, ...labels } });
  await container.commit({ repo: name, tag: '1' });
  await container.remove();
  stage.attributeTo(inATest);
  return `${name}:1`;
}

/** Creates a container and a volume of the project, as Compose does for a developer outside any run. */
async function createAsDeveloper(...kinds: readonly ('container' | 'volume')[]): Promise<void> {
  stage.attributeTo(undefined);
  const Labels = { ...specLabel, 'com.docker.compose.project': project };
  if (kinds.includes('volume'))
    await docker.createVolume({
      Name: `${project}_data`,
      Labels: { ...Labels, 'com.docker.compose.volume': 'data' },
    });
  if (kinds.includes('container'))
    await docker.createContainer({
      Image: specImage,
      Labels: {
        ...Labels,
        'com.docker.compose.project.working_dir': folder,
        'com.docker.compose.service': 'web',
      },
    });
  stage.attributeTo(inATest);
}

describe('a Compose project without a name', () => {
  // The specs need no network, which would cost time.
  beforeEach(() => openFolder({ network_mode: 'none' }));
  afterEach(removeFolder);

  it('captures a project from a synchronous `up` until a synchronous `down`, even if it has an older image', async () => {
    const image = await commitImage({ 'com.docker.compose.project': project });
    const source = nextLine();
    execSync(`${command} up -d`, { cwd: folder, stdio });
    expect(await survivors()).toMatchObject([
      {
        kind: 'compose-project',
        id: project,
        state: 'present',
        origin: 'raw',
        owner: { ...inATest, source },
      },
    ]);
    expect(stage.claimed).toContain(`com.docker.compose.project=${project}`);
    execFileSync(
      commandArgs[0]!,
      [...commandArgs.slice(1), '-f', join(folder, 'docker-compose.yml'), 'down', '-v'],
      {
        stdio,
      },
    );
    // A developer's own project with the same name is not mistaken for it.
    await createAsDeveloper('volume', 'container');
    const developers = await containers();
    expect(await survivors()).toEqual([]);
    expect(entriesOfProject()).toMatchObject([{ state: 'gone', outcome: 'removed-by-code' }]);
    expect(stage.released).toContain(`com.docker.compose.project=${project}`);
    expect(await containers()).toEqual(developers);
    expect(await exists('image', image)).toBe(true);
  });

  it('captures a project when its command exits, and only once', async () => {
    const cwd = join(folder, 'below');
    await mkdir(cwd);
    const up = [...commandArgs.slice(1), 'up', '--no-start'];
    await once(spawn(commandArgs[0]!, up, { cwd, stdio }), 'close');
    expect(await until(() => entriesOfProject().length > 0)).toBe(true);
    await once(spawn(commandArgs[0]!, up, { cwd, stdio }), 'close');
    expect(await survivors()).toHaveLength(1);
    expect(entriesOfProject()).toHaveLength(1);
  });

  it('captures a project while its command is running', async () => {
    const child = spawn(commandArgs[0]!, [...commandArgs.slice(1), 'up'], { cwd: folder, stdio });
    expect(await until(async () => (await survivors()).length === 1, 20_000, 100)).toBe(true);
    child.kill('SIGKILL');
    await once(child, 'close');
    expect(entriesOfProject()).toHaveLength(1);
  });

  it('finds a project by its Compose file, through a symbolic link', async () => {
    const link = `${folder}-link`;
    await symlink(folder, link);
    try {
      execSync(`${command} --file ${link}/docker-compose.yml up --no-start`, { stdio });
      const [container] = await docker.listContainers({
        all: true,
        filters: { label: [`com.docker.compose.project.working_dir=${link}`] },
      });
      project = container!.Labels['com.docker.compose.project']!;
      expect(await survivors()).toMatchObject([{ id: project }]);
    } finally {
      await rm(link);
    }
  });

  it('captures a named project at the end of its command, with a warning, when there is no docker to list its parts with', async () => {
    const bin = await mkdtemp(join(tmpdir(), 'castoff-spec-bin-'));
    const path = execFileSync('sh', ['-c', `command -v ${commandArgs[0]}`], { encoding: 'utf8' }).trim();
    const script = `#!/bin/sh\nexec ${[path, ...commandArgs.slice(1)].join(' ')} "$@"\n`;
    const standAlone = 'docker-compose';
    await writeFile(join(bin, standAlone), script, { mode: 0o755 });
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    try {
      const up = ['-p', project, 'up', '--no-start'];
      execFileSync(standAlone, up, { cwd: folder, stdio, env: { ...process.env, PATH: bin } });
      expect(stage.claimed).not.toContain(`com.docker.compose.project=${project}`);
      expect(warn.mock.calls.map(([message]) => String(message))).toEqual([
        `claim Compose project ${project}: spawnSync docker ENOENT; a crash before the command exits would leave what it creates`,
      ]);
      expect(await survivors()).toMatchObject([{ id: project, state: 'present' }]);
      expect(stage.claimed).toContain(`com.docker.compose.project=${project}`);
    } finally {
      warn.mockRestore();
      await rm(bin, { recursive: true });
    }
  });

  it('captures no project if the command fails', async () => {
    await writeFile(join(folder, 'docker-compose.yml'), 'services: 1');
    expect(() => execSync(`${command} up -d`, { cwd: folder, stdio })).toThrow('Command failed');
    const before = stage.entries().length;
    expect(await survivors()).toEqual([]);
    expect(stage.entries().length).toBe(before);
  });
});

describe('a developer’s own running project in the same folder', () => {
  let own: readonly string[];
  beforeAll(async () => {
    await openFolder({});
    stage.attributeTo(undefined);
    execSync(`${command} up -d`, { cwd: folder, stdio });
    stage.attributeTo(inATest);
    own = await containers();
  });
  afterAll(removeFolder);

  const expectUntouched = async (): Promise<void> => {
    expect(await survivors()).toEqual([]);
    expect(entriesOfProject()).toEqual([]);
    expect(stage.claimed).not.toContain(`com.docker.compose.project=${project}`);
  };

  it('does not capture a developer’s project that is brought up again', async () => {
    execSync(`${command} up -d`, { cwd: folder, stdio });
    await expectUntouched();
    expect(await containers()).toEqual(own);
  });

  it('does not capture a developer’s project that the command names', async () => {
    execSync(`${command} -p ${project} up -d`, { cwd: folder, stdio });
    await expectUntouched();
    expect(await containers()).toEqual(own);
  });

  it('does not capture a developer’s project whose containers are recreated', async () => {
    execSync(`${command} up -d --force-recreate`, { cwd: folder, stdio });
    await expectUntouched();
    expect(await containers()).not.toEqual(own);
  });
});

describe('a developer’s own stopped project in the same folder', () => {
  beforeAll(() => openFolder({ network_mode: 'none' }));
  afterAll(removeFolder);

  it('does not capture a developer’s project of which only a volume exists', async () => {
    await createAsDeveloper('volume');
    // The engine rounds the creation time of volumes to whole seconds.
    const { Volumes } = await docker.listVolumes(labelled());
    const { CreatedAt } = Volumes[0] as unknown as { readonly CreatedAt: string };
    expect(await until(() => Date.now() >= Date.parse(CreatedAt) + 1_000)).toBe(true);
    execSync(`${command} up --no-start`, { cwd: folder, stdio });
    expect(await containers()).toHaveLength(1);
    expect(await survivors()).toEqual([]);
    expect(entriesOfProject()).toEqual([]);
    expect(stage.claimed).not.toContain(`com.docker.compose.project=${project}`);
  });
});
