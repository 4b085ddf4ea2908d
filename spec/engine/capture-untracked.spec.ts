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

/** Returns the names of non-empty labels by castoff. */
async function ownershipLabelsOf(labels: Readonly<Record<string, string>>): Promise<readonly string[]> {
  return Object.entries(labels)
    .filter(([name, value]) => /^castoff\.(session|start|test|source)$/.test(name) && value !== '')
    .map(([name]) => name);
}

describe('resources meant to outlive the run', () => {
  it('does not capture a container withReuse(), which testcontainers finds again by its hash', async () => {
    const before = stage.entries().length;
    const reusable = () =>
      definition()
        .withLabels({ [uniqueReuse]: '1' })
        .withReuse();
    const first = await reusable().start();
    const second = await reusable().start();
    expect(second.getId()).toBe(first.getId());
    expect(await ownershipLabelsOf(first.getLabels())).toEqual([]);
    expect(stage.entries().length).toBe(before);
  });

  it('does not capture an image built with deleteOnExit: false', async () => {
    const before = stage.entries().length;
    const name = `localhost/${uniqueName()}:1`;
    // Without a cache, because other spec files remove shared layers.
    const builder = GenericContainer.fromDockerfile(join(__dirname, '../fixtures/capture/image')).withCache(
      false,
    );
    await builder.build(name, { deleteOnExit: false });
    const image = docker.getImage(name);
    const labels = (await image.inspect()).Config.Labels;
    await image.remove();
    expect([await ownershipLabelsOf(labels), stage.entries().length]).toEqual([[], before]);
  });

  it('does not capture an image committed with deleteOnExit: false from a captured container', async () => {
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

describe('other resources that are not captured', () => {
  it.each([
    ['a Ryuk container', { 'org.testcontainers.ryuk': 'true' }],
    ['a castoff reaper', { 'castoff.reaper': 'true' }],
    ['a container with the labels of another session', { 'castoff.session': 'another' }],
  ])('does not capture %s', async (_, labels) => {
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

  it('does not capture a pulled image', async () => {
    const before = stage.entries().length;
    const pulling = dockerode.createImage({ fromImage: 'castoff-spec/no-such-image', tag: '1' });
    await Promise.allSettled([pulling]);
    expect(stage.entries().length).toBe(before);
  });
});

/** Unique per run of the spec, so that no container of another run is reused. */
const uniqueReuse = `castoff-spec-${uniqueName()}`;

describe('containers labelled by another copy of castoff', () => {
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

  it("adds the run's session to a container of a copy in this process, and keeps its other labels", async () => {
    const before = stage.entries().length;
    const labels = await createdWith(labelledBy(process.pid));
    expect(labels).toMatchObject({ 'castoff.session': sessionIdentity().id, 'castoff.start': 'its own' });
    expect(stage.entries().length).toBe(before);
  });

  it('leaves a container of a copy in another process unchanged', async () => {
    const labels = labelledBy(process.ppid);
    expect(await createdWith(labels)).toMatchObject(labels);
  });
});
