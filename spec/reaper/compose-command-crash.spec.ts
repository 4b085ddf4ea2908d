import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { cleanupComposeProject } from '../../lib/index';
import { compose, composeCommand } from '../support/compose-command';
import { partsOfProject, writeStack } from '../support/compose-stack';
import { openRunStage } from '../support/run-stage';
import { docker, exists, uniqueName } from '../support/things';
import { specImage } from '../support/spec-image';
import { until } from '../support/until';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'castoff-compose-'));
  await writeStack(folder, 'stack.yml', { app: ['data:/data'] });
  await writeStack(folder, 'more.yml', { app: ['data:/data'], beside: ['more:/more'] });
});
afterAll(() => rm(folder, { recursive: true }));

/** Runs `compose up` in a process of a run, and kills that process before the command has finished. */
async function killWhileUp(
  { project, file, isSync, by, isUnnamed = false }: Plan,
  isUp: () => Promise<boolean>,
  verify: () => Promise<unknown>,
): Promise<void> {
  await using stage = await openRunStage(by === 'worker' ? 1 : 0);
  const [owner = stage.main] = stage.workers;
  const [command, ...first] = await composeCommand();
  const name = isUnnamed ? [] : ['-p', project];
  const args = [...first, '-f', join(folder, file), ...name, 'up'];
  const doing = owner.do('command', { file: command, args, isSync });
  expect(await until(isUp, 30_000, 100)).toBe(true);
  owner.signal('SIGKILL');
  await Promise.allSettled([doing, owner.ended]);
  await verify();
}

interface Plan {
  readonly project: string;
  readonly file: string;
  readonly isSync: boolean;
  readonly by: 'main' | 'worker';
  /** Whether the project has the name of its folder. */
  readonly isUnnamed?: boolean;
}

describe('a Compose project whose process is killed during compose up', () => {
  it.each([
    ['synchronously', true, 'main'],
    ['on its own in a worker', false, 'worker'],
  ] as const)(
    'an interrupted project is removed, except for what existed before: %s',
    async (_how, isSync, by) => {
      const project = uniqueName();
      // Named as Compose 2 names the image that it builds for a project.
      const image = `${project}:1`;
      const labels = { 'com.docker.compose.project': project };
      const container = await docker.createContainer({ Image: specImage, Labels: labels });
      await container.commit({ repo: project, tag: '1' });
      await container.remove();
      try {
        const parts = () => partsOfProject(project);
        await killWhileUp(
          { project, file: 'stack.yml', isSync, by },
          async () => (await parts()).length === 3,
          async () => {
            expect(await until(async () => (await parts()).length === 0, 30_000, 100)).toBe(true);
            expect(await exists('image', image)).toBe(true);
          },
        );
      } finally {
        await docker.getImage(image).remove();
      }
    },
  );

  it.each([
    ['whose name Compose derives from its folder', true, () => basename(folder).toLowerCase()],
    [
      'with a name that testcontainers generates',
      false,
      () => `testcontainers-${randomBytes(6).toString('hex')}`,
    ],
  ])('an interrupted project %s is removed', async (_which, isUnnamed, nameOf) => {
    const project = nameOf();
    const plan = { project, file: 'stack.yml', isSync: false, by: 'main', isUnnamed } as const;
    const parts = () => partsOfProject(project);
    await killWhileUp(
      plan,
      async () => (await parts()).length === 3,
      async () => expect(await until(async () => (await parts()).length === 0, 30_000, 100)).toBe(true),
    );
  });

  it('a developer’s project stays when a worker that adds to it is killed', async () => {
    const project = uniqueName();
    await compose(['-f', join(folder, 'stack.yml'), '-p', project, 'up', '--detach']);
    try {
      const before = await partsOfProject(project);
      await killWhileUp(
        { project, file: 'more.yml', isSync: false, by: 'worker' },
        async () => (await partsOfProject(project)).length === before.length + 2,
        async () => undefined,
      );
      expect(await partsOfProject(project)).toEqual(expect.arrayContaining([...before]));
    } finally {
      await cleanupComposeProject(project, { workingDir: folder });
    }
  });
});
