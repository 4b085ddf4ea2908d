import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { cleanupComposeProject } from '../../lib/index';
import { composeClient } from '../support/compose-client';
import { compose } from '../support/compose-command';
import { partsOfProject, writeStack } from '../support/compose-stack';
import { openReaperFolder } from '../support/session-child';
import { uniqueName } from '../support/things';
import { until } from '../support/until';

const program = join(__dirname, '../fixtures/reaper/compose-session.cjs');
const project = uniqueName();
let theirs: string;
let ours: string;
let before: readonly string[];

beforeAll(async () => {
  theirs = await mkdtemp(join(tmpdir(), 'castoff-theirs-'));
  ours = await mkdtemp(join(tmpdir(), 'castoff-ours-'));
  await writeStack(theirs, 'stack.yml', { app: ['data:/data'] });
  await writeStack(ours, 'stack.yml', { beside: ['more:/more'] });
  await compose(['-f', join(theirs, 'stack.yml'), '-p', project, 'up', '--no-start']);
  before = await partsOfProject(project);
});
afterAll(async () => {
  await cleanupComposeProject(project, { workingDir: theirs });
  await rm(theirs, { recursive: true });
  await rm(ours, { recursive: true });
});

describe('a developer’s project with services added by a test', () => {
  it.each([
    ['when it is up', false],
    ['while it comes up', true],
  ])(
    'a developer’s project stays, and added services are removed, when the test is killed %s',
    async (_when, isStuck) => {
      expect(before).toHaveLength(3);
      {
        // Removing the folder waits for the reaper to exit.
        await using reaper = await openReaperFolder();
        const plan = { folder: ours, file: 'stack.yml', project, client: await composeClient(), isStuck };
        const child = spawn(process.execPath, [program, JSON.stringify(plan)], {
          stdio: ['ignore', 'pipe', 'inherit'],
          env: { ...process.env, TMPDIR: reaper.folder },
        });
        await once(child.stdout, 'data');
        const isUp = await until(
          async () => (await partsOfProject(project)).length === before.length + 2,
          30_000,
          100,
        );
        child.kill('SIGKILL');
        await once(child, 'exit');
        expect(isUp).toBe(true);
      }
      expect(await partsOfProject(project)).toEqual(before);
    },
  );
});
