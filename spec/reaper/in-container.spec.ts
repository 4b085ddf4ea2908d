import { join } from 'node:path';
import type Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connectEngine } from '../../lib/engine/connect';
import { sweep } from '../../lib/index';
import { buildReaperImage } from '../../lib/lease/image';
import { reaperImage } from '../../lib/lease/ways';
import { removeLeftovers } from '../support/leftovers';
import { thingsOfSession } from '../support/session-child';
import { docker, specLabel } from '../support/things';
import { until } from '../support/until';

// A job of a CI system: castoff runs in a container of the engine that its tests use.
const root = join(__dirname, '../..');
const program = join(root, 'spec/fixtures/reaper/hold-session.cjs');

beforeAll(async () => void (await buildReaperImage(await connectEngine())));
afterAll(() => removeLeftovers());

interface Job {
  readonly container: Docker.Container;
  readonly session: string;
  readonly output: string;
}

/** Starts a job that opens a session with a container, a network and a volume, and stays. */
async function startJob(env: readonly string[]): Promise<Job> {
  const container = await docker.createContainer({
    Image: reaperImage,
    Entrypoint: ['node'],
    Cmd: [program, JSON.stringify({ containers: 1, sessions: 1 })],
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
  if (!(await until(hasOpened, 30_000, 100))) throw new Error(`the job has no session: ${output}`);
  return { container, session: /"session":"(\w+)"/.exec(output)?.[1] ?? '', output };
}

describe('a session in a container of the same engine', () => {
  it('is kept by a sweep while its container runs, and removed by one afterwards, with the proof', async () => {
    const { container, session } = await startJob(['CASTOFF_REAPER=off']);
    const ofSession = async () => (await sweep()).things.filter((thing) => thing.session === session);
    const kept = await ofSession();
    expect(kept.map(({ action }) => action)).toEqual(['kept', 'kept', 'kept']);
    expect(await thingsOfSession(session)).toHaveLength(3);

    await container.remove({ force: true });
    const removed = await ofSession();
    expect(removed.map(({ action }) => action)).toEqual(['removed', 'removed', 'removed']);
    expect(removed[0]?.proof).toBe(`its container ${container.id.slice(0, 12)} is gone`);
    expect(await thingsOfSession(session)).toEqual([]);
  });

  it('is warned when its reaper is a process, which ends with the container', async () => {
    const { container, session, output } = await startJob([
      'CASTOFF_REAPER=auto',
      'TESTCONTAINERS_DOCKER_SOCKET_OVERRIDE=/nowhere/docker.sock',
    ]);
    expect(output).toMatch(/\[CASTOFF_REAPER_IN_CONTAINER\].*npx castoff reaper image/);
    await container.remove({ force: true });
    // As the warning says: nothing reaps it.
    expect(await thingsOfSession(session)).toHaveLength(3);
    await sweep();
    expect(await thingsOfSession(session)).toEqual([]);
  });
});
