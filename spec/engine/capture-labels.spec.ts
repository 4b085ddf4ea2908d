import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import Docker from 'dockerode';
import { GenericContainer, Network } from 'testcontainers';
import { ownerFromLabels } from '../../lib/core/labels';
import { connectEngine } from '../../lib/engine/connect';
import { listOwned } from '../../lib/resources/list-owned';
import { sessionIdentity } from '../../lib/registry/session-identity';
import { inATest, stageOfFile, whose } from '../support/capture-stage';
import { sleeper, specImage } from '../support/spec-image';
import { uniqueName } from '../support/things';
import { nextLine } from '../support/this-line';

const stage = stageOfFile();

// Not the one of spec/support: that is made before the watch, as the user's own would be in a module.
const dockerode = new Docker();
const definition = () => new GenericContainer(specImage).withCommand(sleeper).withNetworkMode('none');
/** Two empty blocks end a tar archive. */
const emptyTar = Buffer.alloc(1024);
// Built without a cache: other spec files take away the layers that they would share.
const imageFolder = join(__dirname, '../fixtures/capture/image');

const containerLabels = async (id: string) => (await dockerode.getContainer(id).inspect()).Config.Labels;
const imageLabels = async (name: string) => (await dockerode.getImage(name).inspect()).Config.Labels;

/** What every thing is to say of itself, and what is noted of it. */
function saysWhose(labels: Readonly<Record<string, string>>, source: string) {
  const entry = stage.entries().at(-1);
  expect(whose(labels)).toEqual({
    session: sessionIdentity().id,
    test: inATest.test,
    source,
    start: entry?.key,
  });
  expect(entry).toMatchObject({ origin: 'raw', state: 'present', owner: { ...inATest, source } });
  return entry;
}

describe('what testcontainers creates by itself says whose it is', () => {
  it('a container that a test starts, beside its own labels', async () => {
    const source = nextLine();
    const container = await definition().withLabels({ mine: 'kept' }).start();
    const labels = await containerLabels(container.getId());
    const entry = saysWhose(labels, source);
    expect(entry).toMatchObject({ kind: 'container', id: container.getId() });
    expect(stage.isHelper(entry?.key ?? '')).toBe(false);
    expect(labels).toMatchObject({
      mine: 'kept',
      'org.testcontainers': 'true',
      'castoff.scope': inATest.scope,
    });
    expect(ownerFromLabels(labels)).toEqual(sessionIdentity().owner);
  });

  it('a container that a function of the test waits for, at the line in that function', async () => {
    const container = await startByHelper();
    const source = whereHelperStarts[0]!;
    const entry = saysWhose(await containerLabels(container.getId()), source);
    expect(entry).toMatchObject({ kind: 'container', id: container.getId() });
  });

  it('containers that are started at once, each at the line where the test waits for them', async () => {
    const source = nextLine();
    const started = await Promise.all([definition().start(), definition().start()]);
    const labels = await Promise.all(started.map((container) => containerLabels(container.getId())));
    expect(labels.map((one) => one['castoff.source'])).toEqual([source, source]);
    expect(new Set(labels.map((one) => one['castoff.start'])).size).toBe(2);
  });

  it('a network, which takes no labels of its own', async () => {
    const source = nextLine();
    const network = await new Network().start();
    const { Labels } = await dockerode.getNetwork(network.getId()).inspect();
    expect(saysWhose(Labels ?? {}, source)).toMatchObject({ kind: 'network', name: network.getName() });
  });

  it('an image that it builds', async () => {
    const name = `localhost/${uniqueName()}:1`;
    const source = nextLine();
    await GenericContainer.fromDockerfile(imageFolder).withCache(false).build(name);
    const entry = saysWhose(await imageLabels(name), source);
    expect(entry).toMatchObject({ kind: 'image', id: name });
    expect(stage.isHelper(entry?.key ?? '')).toBe(true);
  });

  it('an image that it commits, and not as the container that it is made from', async () => {
    const container = await definition().start();
    const source = nextLine();
    const id = await container.commit({ repo: uniqueName(), tag: '1' });
    const entry = saysWhose(await imageLabels(id), source);
    expect(entry).toMatchObject({ kind: 'image', identity: id });
    expect(stage.isHelper(entry?.key ?? '')).toBe(true);
  });

  it('its port forwarder, which nobody can stop', async () => {
    const container = await definition().withLabels({ 'org.testcontainers.sshd': 'true' }).start();
    const { 'castoff.start': key = '' } = await containerLabels(container.getId());
    expect(stage.isHelper(key)).toBe(true);
  });
});

describe('what dockerode creates says whose it is', () => {
  it('a container', async () => {
    const source = nextLine();
    const { id } = await dockerode.createContainer({ Image: specImage, Labels: { mine: 'kept' } });
    const labels = await containerLabels(id);
    expect(saysWhose(labels, source)).toMatchObject({ kind: 'container', id });
    expect(labels['mine']).toBe('kept');
  });

  it('a container by a callback', async () => {
    const made = Promise.withResolvers<string>();
    const source = nextLine();
    dockerode.createContainer({ Image: specImage }, (_, container) => made.resolve(container!.id));
    const id = await made.promise;
    expect(saysWhose(await containerLabels(id), source)).toMatchObject({ kind: 'container', id });
  });

  it('containers that are created at once, each at its own line', async () => {
    const line = nextLine();
    const made = await Promise.all([
      dockerode.createContainer({ Image: specImage, Cmd: ['true'] }),
      dockerode.createContainer({ Image: specImage, Cmd: ['true'] }),
    ]);
    const sources = [1, 2].map((below) => line.replace(/\d+$/, (at) => String(Number(at) + below)));
    const labels = await Promise.all(made.map(({ id }) => containerLabels(id)));
    expect(labels.map((each) => each['castoff.source'])).toEqual(sources);
  });

  it('a network', async () => {
    const name = uniqueName();
    const source = nextLine();
    const network = await dockerode.createNetwork({ Name: name });
    const { Labels } = await network.inspect();
    expect(saysWhose(Labels ?? {}, source)).toMatchObject({ kind: 'network', id: network.id, name });
  });

  it('a volume', async () => {
    const name = uniqueName();
    const source = nextLine();
    await dockerode.createVolume({ Name: name, Labels: { mine: 'kept' } });
    const { Labels } = await dockerode.getVolume(name).inspect();
    expect(saysWhose(Labels, source)).toMatchObject({ kind: 'volume', id: name });
    expect(Labels['mine']).toBe('kept');
  });

  it('an image that it builds', async () => {
    const name = `${uniqueName()}:1`;
    const context = { context: imageFolder, src: ['Dockerfile'] };
    const source = nextLine();
    const output = await dockerode.buildImage(context, { t: name, nocache: true, labels: { mine: 'kept' } });
    await new Promise((resolve) => dockerode.modem.followProgress(output, resolve));
    const labels = await imageLabels(name);
    expect(saysWhose(labels, source)).toMatchObject({ kind: 'image', id: name });
    expect(labels['mine']).toBe('kept');
    expect(ownerFromLabels(labels)).toEqual({ ...sessionIdentity().owner, run: undefined });
    expect(await areProven(labels)).toBe(true);
  });

  it('an image that it commits', async () => {
    const container = await dockerode.createContainer({ Image: specImage });
    const source = nextLine();
    const { Id } = await container.commit({ repo: uniqueName(), changes: 'LABEL mine=kept' });
    const labels = await imageLabels(Id);
    const entry = saysWhose(labels, source);
    expect(entry).toMatchObject({ kind: 'image', identity: Id });
    expect(labels['mine']).toBe('kept');
    expect(await areProven(labels)).toBe(true);
    expect(stage.isHelper(entry?.key ?? '')).toBe(false);
  });

  it('an image that it imports', async () => {
    const repo = uniqueName();
    const source = nextLine();
    const output = await dockerode.importImage(Readable.from([emptyTar]), { repo, tag: '1' });
    await new Promise((resolve) => dockerode.modem.followProgress(output, resolve));
    const labels = await imageLabels(`${repo}:1`);
    expect(saysWhose(labels, source)).toMatchObject({ kind: 'image', id: `${repo}:1` });
    expect(await areProven(labels)).toBe(true);
  });
});

/** Whether the image with these labels is known by them, without any record, as the one that was created. */
async function areProven(labels: Readonly<Record<string, string>>): Promise<boolean> {
  const claim = [`castoff.start=${labels['castoff.start']}`];
  const { owned } = await listOwned(await connectEngine(), claim, { kinds: ['image'] });
  return owned.length === 1;
}

const whereHelperStarts: string[] = [];

async function startByHelper() {
  whereHelperStarts.unshift(nextLine());
  const container = await definition().start();
  return container;
}
