import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DockerComposeEnvironment, GenericContainer, Network } from 'testcontainers';
import type { Bounds } from '../../lib/core/bounds';
import { openScope } from '../../lib/index';
import { onClaim } from '../../lib/registry/claims';
import { claimThirdParty, claimLoadedTestcontainers } from '../../lib/scope/third-party-labels';
import { composeClient, missingComposeClient } from '../support/compose-client';
import { removeLeftovers } from '../support/leftovers';
import { sleeper, specImage } from '../support/spec-image';
import { docker, uniqueName } from '../support/things';

const fixtures = join(__dirname, '../fixtures');
const sessionLabel = 'org.testcontainers.session-id';

/** What a lease would have been asked for, in order. */
let asked: string[] = [];
let leave: () => void;
const claimed = (labels: readonly string[], bounds: Bounds = {}): string =>
  [...Object.entries(bounds).map(([name, all]) => `${name} ${all.length} of `), labels.join(' & ')].join('');
beforeEach(() => {
  asked = [];
  leave = onClaim({
    claim: async (labels, bounds) => void asked.push(`claim ${claimed(labels, bounds)}`),
    release: async (labels, bounds) => void asked.push(`release ${claimed(labels, bounds)}`),
  });
});
afterEach(() => leave());
afterAll(() => removeLeftovers());

describe('what a scope starts and our labels are not on', () => {
  it('is claimed by the session that testcontainers writes on it: a network', async () => {
    await using scope = openScope();
    const network = await scope.start(new Network());
    const { Labels = {} } = await docker.getNetwork(network.getId()).inspect();
    expect(asked).toEqual([`claim ${sessionLabel}=${Labels[sessionLabel]}`]);
  });

  it('is claimed so too where it is an image, with all that its module makes beside', async () => {
    await using scope = openScope();
    // Without the cache: other spec files remove the layers that they would share.
    const builder = GenericContainer.fromDockerfile(join(fixtures, 'image')).withCache(false);
    const container = await scope.start(builder);
    const { Image } = await docker.getContainer(container.getId()).inspect();
    const { Config } = await docker.getImage(Image).inspect();
    expect(new Set(asked)).toEqual(new Set([`claim ${sessionLabel}=${Config.Labels?.[sessionLabel]}`]));
  });

  it('is claimed before a container is started, whose module may make others by itself', async () => {
    await using scope = openScope();
    const container = await scope.start(
      new GenericContainer(specImage).withCommand(sleeper).withNetworkMode('none'),
    );
    const { Config } = await docker.getContainer(container.getId()).inspect();
    expect(asked).toEqual([`claim ${sessionLabel}=${Config.Labels[sessionLabel]}`]);
  });

  it('is a Compose project, of which all that comes is claimed, and then its parts, until they are gone', async () => {
    await using scope = openScope();
    const project = uniqueName();
    await scope.start(compose(project).withClientOptions(await composeClient()));
    const label = `com.docker.compose.project=${project}`;
    const coming = `except 0 of ${label}`;
    // Two containers, a network and a volume.
    const parts = `only 4 of ${label}`;
    expect(asked).toEqual([`claim ${coming}`, `claim ${parts}`, `release ${coming}`]);
    await scope.close();
    expect(asked.at(-1)).toBe(`release ${parts}`);
  });

  it('is a Compose project that does not come up: it is given up when it has been rolled back', async () => {
    await using scope = openScope();
    const project = uniqueName();
    const starting = scope.start(compose(project).withClientOptions(missingComposeClient));
    await expect(starting).rejects.toMatchObject({ code: 'START_FAILED' });
    const coming = `except 0 of com.docker.compose.project=${project}`;
    expect(asked).toEqual([`claim ${coming}`, `release ${coming}`]);
  });

  it('is claimed when a session opens, where nothing but testcontainers itself creates it', async () => {
    await claimLoadedTestcontainers();
    const network = await new Network().start();
    const { Labels = {} } = await docker.getNetwork(network.getId()).inspect();
    await network.stop();
    expect(asked).toEqual([`claim ${sessionLabel}=${Labels[sessionLabel]}`]);
  });

  it('is left to the reaper that testcontainers has of its own, where that is not disabled', async () => {
    const { TESTCONTAINERS_RYUK_DISABLED: before } = process.env;
    process.env['TESTCONTAINERS_RYUK_DISABLED'] = 'false';
    try {
      await claimThirdParty({ what: 'Network', kind: 'network', start: async () => undefined });
    } finally {
      process.env['TESTCONTAINERS_RYUK_DISABLED'] = before;
    }
    expect(asked).toEqual([]);
  });
});

const compose = (project: string): DockerComposeEnvironment =>
  new DockerComposeEnvironment(join(fixtures, 'compose'), 'docker-compose.yml').withProjectName(project);
