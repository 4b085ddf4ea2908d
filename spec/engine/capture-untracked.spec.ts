import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import Docker from 'dockerode';
import { GenericContainer } from 'testcontainers';
import { sessionIdentity } from '../../lib/registry/session-identity';
import { stageOfFile } from '../support/capture-stage';
import { sleeper, specImage } from '../support/spec-image';
import { docker, specLabel, uniqueName } from '../support/things';
import { removeLeftovers } from '../support/leftovers';

const stage = stageOfFile();

afterEach(() => removeLeftovers());

const dockerode = new Docker();
const definition = () =>
  new GenericContainer(specImage).withCommand(sleeper).withNetworkMode('none').withLabels(specLabel);

/** Those of castoff that a look at them finds. */
async function ours(labels: Readonly<Record<string, string>>): Promise<readonly string[]> {
  return Object.entries(labels)
    .filter(([name, value]) => /^castoff\.(session|start|test|source)$/.test(name) && value !== '')
    .map(([name]) => name);
}

describe('what is to outlive the run is left alone', () => {
  it('a container withReuse(), which is found again by the hash that testcontainers makes', async () => {
    const before = stage.entries().length;
    const reusable = () =>
      definition()
        .withLabels({ [uniqueReuse]: '1' })
        .withReuse();
    const first = await reusable().start();
    const second = await reusable().start();
    expect(second.getId()).toBe(first.getId());
    expect(await ours(first.getLabels())).toEqual([]);
    expect(stage.entries().length).toBe(before);
  });

  it('an image that is built with deleteOnExit false', async () => {
    const before = stage.entries().length;
    const name = `localhost/${uniqueName()}:1`;
    // Without a cache: other spec files take away the layers that they would share.
    const builder = GenericContainer.fromDockerfile(join(__dirname, '../fixtures/capture/image')).withCache(
      false,
    );
    await builder.build(name, { deleteOnExit: false });
    const image = docker.getImage(name);
    const labels = (await image.inspect()).Config.Labels;
    await image.remove();
    expect([await ours(labels), stage.entries().length]).toEqual([[], before]);
  });

  it('an image that is committed with deleteOnExit false, though its container is ours', async () => {
    const container = await definition().start();
    const before = stage.entries().length;
    const image = docker.getImage(
      await container.commit({ repo: uniqueName(), tag: '1', deleteOnExit: false }),
    );
    const labels = (await image.inspect()).Config.Labels;
    await image.remove();
    expect(labels['castoff.source']).toContain('capture-untracked.spec.ts');
    expect(labels['castoff.session']).toBe('');
    expect(stage.entries().length).toBe(before);
  });
});

describe('what is labelled by somebody who knows better is left alone', () => {
  it.each([
    ['a Ryuk', { 'org.testcontainers.ryuk': 'true' }],
    ['a reaper of castoff', { 'castoff.reaper': 'true' }],
    ['what castoff has labelled', { 'castoff.session': 'another' }],
  ])('%s', async (_, labels) => {
    const before = stage.entries().length;
    const container = await dockerode.createContainer({
      Image: specImage,
      Labels: { ...specLabel, ...labels },
    });
    const { Labels } = (await container.inspect()).Config;
    expect(Labels).toMatchObject(labels);
    expect(Object.keys(Labels)).not.toContain('castoff.source');
    expect(stage.entries().length).toBe(before);
  });

  it('what is pulled', async () => {
    const before = stage.entries().length;
    const pulling = dockerode.createImage({ fromImage: 'castoff-spec/no-such-image', tag: '1' });
    await Promise.allSettled([pulling]);
    expect(stage.entries().length).toBe(before);
  });
});

/** Its own for every run of the spec: a container of another run is not to be reused. */
const uniqueReuse = `castoff-spec-${uniqueName()}`;

describe('what another copy of castoff in this process has labelled, as that of a test file does', () => {
  const labelledBy = (pid: number) => ({
    ...specLabel,
    'castoff.session': 'abcdefabcdef',
    'castoff.pid': String(pid),
    'castoff.start': 'its own',
  });
  const createdWith = async (labels: Record<string, string>): Promise<Record<string, string>> => {
    const container = await dockerode.createContainer({ Image: specImage, Labels: labels });
    return (await container.inspect()).Config.Labels;
  };

  it("is the run's, so that the run's lease covers it, and stays that copy's to look after", async () => {
    const before = stage.entries().length;
    const labels = await createdWith(labelledBy(process.pid));
    expect(labels).toMatchObject({ 'castoff.session': sessionIdentity().id, 'castoff.start': 'its own' });
    expect(stage.entries().length).toBe(before);
  });

  it('is left alone where another process has', async () => {
    const labels = labelledBy(process.ppid);
    expect(await createdWith(labels)).toMatchObject(labels);
  });
});
