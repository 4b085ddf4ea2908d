import { join } from 'node:path';
import type Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connectEngine } from '../../../lib/engine/connect';
import { reaperImage } from '../../../lib/lease/image-recipe';
import { buildReaperImage } from '../../../lib/lease/image';
import { thingsOfSession } from '../../support/session-child';
import { until } from '../../support/until';
import type { SweepStage } from './stage';

const root = join(__dirname, '../../..');
const program = join(root, 'spec/fixtures/reaper/hold-session.cjs');

interface Job {
  readonly container: Docker.Container;
  readonly session: string;
  readonly output: string;
}

/** Simulates a CI job: castoff runs in a container on the engine that its tests use. */
export function describeInContainer(stage: () => SweepStage): void {
  describe('a session in a container of the same engine', () => {
    let job: Job;
    beforeAll(async () => {
      const { engine, docker } = stage();
      await buildReaperImage(await connectEngine(engine.address));
      job = await startJob(docker, engine.socketPath);
    });
    afterAll(() => job.container.remove({ force: true }).catch(ignoreGone));

    const listThings = () => thingsOfSession(job.session, stage().docker);
    const sweepSession = async () =>
      (await stage().sweepHere()).things.filter(({ session }) => session === job.session);

    it('a session in a container warns when its reaper is a process, which ends with the container', () => {
      expect(job.output).toMatch(/\[CASTOFF_REAPER_IN_CONTAINER\].*npx castoff reaper image/);
    });

    it('a sweep keeps a session while its container runs', async () => {
      expect((await sweepSession()).map(({ action }) => action)).toEqual(['kept', 'kept', 'kept']);
      expect(await listThings()).toHaveLength(3);
    });

    it('a sweep removes a session whose container has ended, with the proof', async () => {
      await job.container.remove({ force: true });
      expect(await listThings()).toHaveLength(3);
      const removed = await sweepSession();
      expect(removed.map(({ action }) => action)).toEqual(['removed', 'removed', 'removed']);
      expect(removed[0]?.proof).toBe(`its container ${job.container.id.slice(0, 12)} is gone`);
      expect(await listThings()).toEqual([]);
    });
  });
}

/** Starts a job that opens a session with a container, a network and a volume, and keeps running. */
async function startJob(docker: Docker, socketPath: string): Promise<Job> {
  const container = await docker.createContainer({
    Image: reaperImage,
    Entrypoint: ['node'],
    Cmd: [program, JSON.stringify({ containers: 1, areStarted: false, sessions: 1 })],
    Env: [
      'CASTOFF_SWEEP=off',
      'CASTOFF_REAPER=auto',
      'TESTCONTAINERS_DOCKER_SOCKET_OVERRIDE=/nowhere/docker.sock',
    ],
    OpenStdin: true,
    HostConfig: {
      NetworkMode: 'none',
      Binds: [`${root}:${root}:ro`, `${socketPath}:/var/run/docker.sock`],
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

function ignoreGone(error: unknown): void {
  // 404: a spec has removed it.
  expect(error).toHaveProperty('statusCode', 404);
}
