import { beforeAll, describe, expect, it } from '@jest/globals';
import { composeClient } from '../support/compose-client';
import { runJudged, type JudgedJest } from '../support/judged-jest';
import { docker } from '../support/things';

/** Lists the parts of a run's Compose projects, which carry neither the run's labels nor castoff's. */
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

describe('a resource that a test creates by a command or by fetch', () => {
  let end: JudgedJest;
  let parts: readonly string[];
  let images: readonly string[];

  beforeAll(async () => {
    const { executable } = await composeClient();
    const command = executable === undefined ? ['docker', 'compose'] : ['docker-compose'];
    const env = { COMPOSE: JSON.stringify(command) };
    const nodeArgs = ['--experimental-vm-modules'];
    end = await runJudged('commands', { env, nodeArgs }, async ({ id }) => {
      parts = await partsOfProjects(id);
      const listed = await docker.listImages();
      images = listed.flatMap(({ RepoTags }) => RepoTags ?? []).filter((name) => name.startsWith(id));
    });
  });

  it('is a leak with its test and line if the test leaves it', () => {
    const leaks = end.verdict.leaks.map(({ source, kind, test }) => [source, kind, test]);
    expect(leaks.toSorted(([one = ''], [other = '']) => one.localeCompare(other))).toEqual([
      ['commands.test.js:12', 'compose-project', 'brings a project up, and leaves it'],
      ['commands.test.js:15', 'container', 'runs a container, and leaves it'],
      ['commands.test.js:19', 'network', 'creates a network and a volume, and leaves them'],
      ['commands.test.js:20', 'volume', 'creates a network and a volume, and leaves them'],
      ['commands.test.js:28', 'compose-project', 'brings a project up with testcontainers, and leaves it'],
      ['commands.test.js:35', 'container', 'creates a container by a shell, and leaves it'],
      ['es-module.test.mjs:5', 'container', 'creates a container in an ES module, and leaves it'],
      ['fetch.test.js:18', 'container', 'creates a container by undici, and leaves it'],
      ['fetch.test.js:22', 'container', 'creates a container by fetch, and leaves it'],
      ['unnamed.test.js:5', 'compose-project', 'creates a project without a name, and leaves it'],
      ['volume.test.js:14', 'volume', 'removes its container by a request, without its volume'],
      ['volume.test.js:8', 'volume', 'removes its container by a command, without its volume'],
    ]);
    expect(end.exitCode).toBe(1);
  });

  it('is a leak, and is removed, if it is the anonymous volume of a removed container', async () => {
    const leaks = end.verdict.leaks.filter(({ source }) => source?.startsWith('volume.test.js'));
    expect(leaks).toMatchObject([
      { kind: 'volume', state: 'gone', outcome: 'removed' },
      { kind: 'volume', state: 'gone', outcome: 'removed' },
    ]);
    const { Volumes } = await docker.listVolumes();
    const names = leaks.map(({ id }) => id);
    expect((Volumes ?? []).filter(({ Name }) => names.includes(Name))).toEqual([]);
  });

  it('is not a leak if the test removes it, its scope ran the command or its task, or the global setup created it', () => {
    expect(end.stderr).toMatch(/Tests: +21 passed, 21 total/);
    expect(end.verdict.counts).toEqual({
      container: 14,
      image: 2,
      network: 1,
      volume: 3,
      'compose-project': 5,
    });
  });

  it('is removed at the end of the run', () => {
    expect(end.left).toEqual([]);
    expect(parts).toEqual([]);
    expect(images).toEqual([]);
  });
});
