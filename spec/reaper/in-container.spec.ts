import { join } from 'node:path';
import type Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connectEngine } from '../../lib/engine/connect';
import { sweep } from '../../lib/index';
import { buildReaperImage } from '../../lib/lease/image';
import { reaperImage } from '../../lib/lease/acquire-lease';
import { removeLeftovers } from '../support/leftovers';
import { thingsOfSession } from '../support/session-child';
import { docker, specLabel } from '../support/things';
import { until } from '../support/until';

// Simulates a CI job: castoff runs in a container on the engine that its tests use.
const root = join(__dirname, '../..');
const program = join(root, 'spec/fixtures/reaper/hold-session.cjs');

beforeAll(async () => void (await buildReaperImage(await connectEngine())));
afterAll(() => removeLeftovers());

interface Job {
  readonly container: Docker.Container;
  readonly session: string;
  readonly output: string;
}

/** Starts a job that opens a session with a container, a network and a volume, and keeps running. */
async function startJob(env: readonly string[]): Promise<Job> {
  const container = await docker.createContainer({
    Image: reaperImage,
    Entrypoint: ['node'],
    Cmd: [program, JSON.stringify({ containers: 1, areStarted: false, sessions: 1 })],
    Env: ['CASTOFF_SWEEP=off', ...env],
    Labels: specLabel,
    OpenStdin: true,
    HostConfig: {
      NetworkMode: 'none',
      Binds: [`${root}:${root}:ro`, '/var/run/docker.sock:/var/run/docker.sock'],
    },
  });
  await container.start();
  let output = '';
  const hasOpened = async (): Promise<boolean> => {
    output = (await container.logs({ stdout: true, stderr: true })).toString();
    return /"session":"/.test(output);
  };
  if (!(await until(hasOpened, 30_000, 200))) throw new Error(`the job has no session: ${output}`);
  return { container, session: /"session":"(\w+)"/.exec(output)?.[1] ?? '', output };
}

describe('a session in a container of the same engine', () => {
  let job: Job;
  beforeAll(async () => {
    job = await startJob([
      'CASTOFF_REAPER=auto',
      'TESTCONTAINERS_DOCKER_SOCKET_OVERRIDE=/nowhere/docker.sock',
    ]);
  });
  const sweepSession = async () => (await sweep()).things.filter(({ session }) => session === job.session);

  it('a session in a container warns when its reaper is a process, which ends with the container', () => {
    expect(job.output).toMatch(/\[CASTOFF_REAPER_IN_CONTAINER\].*npx castoff reaper image/);
  });

  it('a sweep keeps a session while its container runs', async () => {
    expect((await sweepSession()).map(({ action }) => action)).toEqual(['kept', 'kept', 'kept']);
    expect(await thingsOfSession(job.session)).toHaveLength(3);
  });

  it('a sweep removes a session whose container has ended, with the proof', async () => {
    await job.container.remove({ force: true });
    expect(await thingsOfSession(job.session)).toHaveLength(3);
    const removed = await sweepSession();
    expect(removed.map(({ action }) => action)).toEqual(['removed', 'removed', 'removed']);
    expect(removed[0]?.proof).toBe(`its container ${job.container.id.slice(0, 12)} is gone`);
    expect(await thingsOfSession(job.session)).toEqual([]);
  });
});
