import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { DockerComposeEnvironment } from 'testcontainers';
import { openScope } from '../../lib/index';
import { claimedLabels } from '../../lib/registry/claims';
import { cleanupProject } from '../../lib/resources/compose-project';
import { composeClient } from '../support/compose-client';
import { compose } from '../support/compose-command';
import { partsOfProject, writeStack } from '../support/compose-stack';
import { uniqueName } from '../support/things';
import { until } from '../support/until';

/** A developer's folder, and one of a test beside it. */
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
beforeEach(() => {
  project = uniqueName();
});
afterEach(async () => {
  await cleanupProject(project);
});

const asDeveloper = (...args: readonly string[]): Promise<void> =>
  compose(['-f', join(theirs, 'stack.yml'), '-p', project, ...args]);

const environment = async (file: string): Promise<DockerComposeEnvironment> =>
  new DockerComposeEnvironment(ours, file).withProjectName(project).withClientOptions(await composeClient());

const parts = (): Promise<readonly string[]> => partsOfProject(project);

describe('a project that a developer has up', () => {
  beforeEach(() => asDeveloper('up', '--detach'));

  it('keeps all of it when a scope that has started more of it closes', async () => {
    const before = await parts();
    const scope = openScope('more');
    await scope.start(await environment('beside.yml'));
    expect(await parts()).toHaveLength(before.length + 2);
    await scope.close();
    expect(await parts()).toEqual(before);
    expect(claimedLabels()).toEqual([]);
  });

  it('keeps its network and its data when a scope has made its container anew', async () => {
    const before = await parts();
    const scope = openScope('anew');
    await scope.start(await environment('again.yml'));
    await scope.close();
    expect(await parts()).toEqual(before.filter((part) => !part.startsWith('container')));
  });

  it('keeps all of it when the start of another fails', async () => {
    const before = await parts();
    const scope = openScope('fails');
    const starting = scope.start(await environment('no-such-file.yml'));
    await expect(starting).rejects.toMatchObject({ code: 'START_FAILED' });
    await scope.close();
    expect(await parts()).toEqual(before);
    expect(claimedLabels()).toEqual([]);
  });
});

describe('a project that a scope has started', () => {
  it('is claimed by its parts, and by nothing of its name', async () => {
    await using scope = openScope('ours');
    await scope.start(await environment('beside.yml'));
    expect(claimedLabels()).toMatchObject([
      { labels: [`com.docker.compose.project=${project}`], bounds: { only: { length: 3 } } },
    ]);
  });

  it('is somebody else’s when it has been brought down, and a developer brings it up', async () => {
    const scope = openScope('ours');
    const started = await scope.start(await environment('beside.yml'));
    await started.down();
    await asDeveloper('up', '--detach');
    const before = await parts();
    expect((await scope.close()).ends).toMatchObject([{ result: { outcome: 'already-gone' } }]);
    expect(await parts()).toEqual(before);
  });

  it('does not go with its data where that is of a later one', async () => {
    const scope = openScope('ours');
    const started = await scope.start(await environment('again.yml'));
    await started.down({ removeVolumes: true });
    // The engine counts a volume's creation in whole seconds.
    const second = Math.floor(Date.now() / 1_000);
    await until(() => Math.floor(Date.now() / 1_000) > second, 2_000);
    await asDeveloper('up', '--detach');
    await asDeveloper('down');
    const before = await parts();
    expect(before).toEqual([`volume ${project}_data`]);
    await scope.close();
    expect(await parts()).toEqual(before);
  });

  it('that failed to start is not looked for again by its name', async () => {
    const scope = openScope('ours');
    await expect(scope.start(await environment('no-such-file.yml'))).rejects.toMatchObject({
      code: 'START_FAILED',
    });
    await asDeveloper('up', '--detach');
    const before = await parts();
    await scope.close();
    expect(await parts()).toEqual(before);
  });
});
