import { beforeAll, describe, expect, it } from '@jest/globals';
import { composeClient } from '../support/compose-client';
import { runJudged, type JudgedJest } from '../support/judged-jest';
import { docker } from '../support/things';

/** What is there of the Compose projects of a run: their parts carry neither its labels nor castoff's. */
async function partsOfProjects(run: string): Promise<readonly string[]> {
  const filters = { label: ['com.docker.compose.project'] };
  const [containers, networks, { Volumes }] = await Promise.all([
    docker.listContainers({ all: true, filters }),
    docker.listNetworks({ filters }),
    docker.listVolumes({ filters }),
  ]);
  const labels = [...containers, ...networks, ...(Volumes ?? [])].map(({ Labels }) => Labels);
  return labels
    .map((each) => each?.['com.docker.compose.project'] ?? '')
    .filter((project) => project.startsWith(run));
}

describe('what tests make by commands', () => {
  let end: JudgedJest;
  let parts: readonly string[];

  beforeAll(async () => {
    const { executable } = await composeClient();
    const command = executable === undefined ? ['docker', 'compose'] : ['docker-compose'];
    end = await runJudged('commands', { env: { COMPOSE: JSON.stringify(command) } }, async ({ id }) => {
      parts = await partsOfProjects(id);
    });
  });

  it('is a leak of the test and line, where they leave it', () => {
    const leaks = end.verdict.leaks.map(({ kind, test, source }) => [kind, test, source]);
    expect(leaks).toEqual([
      ['container', 'runs a container, and leaves it', 'commands.test.js:15'],
      ['network', 'creates a network and a volume, and leaves them', 'commands.test.js:19'],
      ['volume', 'creates a network and a volume, and leaves them', 'commands.test.js:20'],
      ['compose-project', 'brings a project up, and leaves it', 'commands.test.js:12'],
      ['compose-project', 'brings a project up with testcontainers, and leaves it', 'commands.test.js:28'],
    ]);
    expect(end.exitCode).toBe(1);
  });

  it('is none, where they remove it', () => {
    expect(end.stderr).toMatch(/Tests: +7 passed, 7 total/);
    expect(end.verdict.counts).toEqual({ container: 3, network: 1, volume: 1, 'compose-project': 3 });
  });

  it('is gone at the end, all of it', () => {
    expect(end.left).toEqual([]);
    expect(parts).toEqual([]);
  });
});
