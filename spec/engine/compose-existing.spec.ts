import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DockerComposeEnvironment } from 'testcontainers';
import { openScope } from '../../lib/index';
import { claimedLabels } from '../../lib/registry/claims';
import { connectEngine } from '../../lib/engine/connect';
import { cleanupProject } from '../../lib/resources/compose-project';
import { composeClient, missingComposeClient } from '../support/compose-client';
import { compose } from '../support/compose-command';
import { partsOfProject, writeStack } from '../support/compose-stack';
import { uniqueName } from '../support/things';
import { until } from '../support/until';

/** A developer's folder, and a test's folder beside it. */
let theirs: string;
let ours: string;
let project: string;
beforeAll(async () => {
  theirs = await mkdtemp(join(tmpdir(), 'castoff-theirs-'));
  ours = await mkdtemp(join(tmpdir(), 'castoff-ours-'));
  await writeStack(theirs, 'stack.yml', { app: ['data:/data'] });
  await writeStack(ours, 'beside.yml', { beside: ['more:/more'] });
  await writeStack(ours, 'again.yml', { app: ['data:/other'] });
});
afterAll(async () => {
  await rm(theirs, { recursive: true });
  await rm(ours, { recursive: true });
});
const asDeveloper = (...args: readonly string[]): Promise<void> =>
  compose(['-f', join(theirs, 'stack.yml'), '-p', project, ...args]);

const environment = async (file: string): Promise<DockerComposeEnvironment> =>
  new DockerComposeEnvironment(ours, file).withProjectName(project).withClientOptions(await composeClient());

const failing = async (): Promise<DockerComposeEnvironment> =>
  (await environment('again.yml')).withClientOptions(missingComposeClient);

const parts = (): Promise<readonly string[]> => partsOfProject(project);

describe('a Compose project that a developer has started', () => {
  let before: readonly string[];
  beforeAll(async () => {
    project = uniqueName();
    await asDeveloper('up', '--detach');
    before = await parts();
  });
  afterAll(async () => cleanupProject(await connectEngine(), project));

  it('keeps all its resources when a scope that started more services of it closes', async () => {
    const scope = openScope('more');
    await scope.start(await environment('beside.yml'));
    expect(await parts()).toHaveLength(before.length + 2);
    await scope.close();
    expect(await parts()).toEqual(before);
    expect(claimedLabels()).toEqual([]);
  });

  it('keeps all its resources when another start fails', async () => {
    const scope = openScope('fails');
    const starting = scope.start(await failing());
    await expect(starting).rejects.toMatchObject({ code: 'START_FAILED' });
    await scope.close();
    expect(await parts()).toEqual(before);
    expect(claimedLabels()).toEqual([]);
  });

  it('keeps its network and volumes when a scope has recreated its container', async () => {
    const scope = openScope('anew');
    await scope.start(await environment('again.yml'));
    await scope.close();
    expect(await parts()).toEqual(before.filter((part) => !part.startsWith('container')));
  });
});

describe('a Compose project that a scope has started', () => {
  afterAll(async () => cleanupProject(await connectEngine(), project));

  it('is claimed by its resources, without those that a developer starts later under its name, or of a failed start', async () => {
    project = uniqueName();
    const failed = openScope('failed');
    const starting = failed.start(await failing());
    await expect(starting).rejects.toMatchObject({ code: 'START_FAILED' });
    const scope = openScope('ours');
    const started = await scope.start(await environment('again.yml'));
    expect(claimedLabels()).toMatchObject([
      { labels: [`com.docker.compose.project=${project}`], bounds: { only: { length: 3 } } },
    ]);

    await started.down({ removeVolumes: true });
    // The engine records a volume's creation in whole seconds.
    const second = Math.floor(Date.now() / 1_000);
    await until(() => Math.floor(Date.now() / 1_000) > second);
    await asDeveloper('up', '--no-start');
    const before = await parts();
    expect(before).toHaveLength(3);
    expect((await scope.close()).ends).toMatchObject([{ result: { outcome: 'already-gone' } }]);
    await failed.close();
    expect(await parts()).toEqual(before);
  });
});
