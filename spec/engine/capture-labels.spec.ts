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

// The client in spec/support is created before the capture starts; a user's client is created after it.
const dockerode = new Docker();
const definition = () => new GenericContainer(specImage).withCommand(sleeper).withNetworkMode('none');
/** A tar archive ends with two empty blocks. */
const emptyTar = Buffer.alloc(1024);
// Built without a cache, because other spec files remove shared layers.
const imageFolder = join(__dirname, '../fixtures/capture/image');

const containerLabels = async (id: string) => (await dockerode.getContainer(id).inspect()).Config.Labels;
const imageLabels = async (name: string) => (await dockerode.getImage(name).inspect()).Config.Labels;

/** Checks that the labels and the last entry name the owner. Returns the entry. */
function expectOwned(labels: Readonly<Record<string, string>>, source: string) {
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

describe('resources created by testcontainers', () => {
  it('labels a container started by a test, and keeps its own labels', async () => {
    const source = nextLine();
    const container = await definition().withLabels({ mine: 'kept' }).start();
    const labels = await containerLabels(container.getId());
    const entry = expectOwned(labels, source);
    expect(entry).toMatchObject({ kind: 'container', id: container.getId() });
    expect(stage.isHelper(entry?.key ?? '')).toBe(false);
    expect(labels).toMatchObject({
      mine: 'kept',
      'org.testcontainers': 'true',
      'castoff.scope': inATest.scope,
    });
    expect(ownerFromLabels(labels)).toEqual(sessionIdentity().owner);
  });

  it('labels a container started by a helper function with the line in that function', async () => {
    const container = await startByHelper();
    const source = helperLines[0]!;
    const entry = expectOwned(await containerLabels(container.getId()), source);
    expect(entry).toMatchObject({ kind: 'container', id: container.getId() });
  });

  it('labels containers started in parallel with the line at which the test awaits them', async () => {
    const source = nextLine();
    const started = await Promise.all([definition().start(), definition().start()]);
    const labels = await Promise.all(started.map((container) => containerLabels(container.getId())));
    expect(labels.map((one) => one['castoff.source'])).toEqual([source, source]);
    expect(new Set(labels.map((one) => one['castoff.start'])).size).toBe(2);
  });

  it('labels a network, for which testcontainers accepts no labels', async () => {
    const source = nextLine();
    const network = await new Network().start();
    const { Labels } = await dockerode.getNetwork(network.getId()).inspect();
    expect(expectOwned(Labels ?? {}, source)).toMatchObject({ kind: 'network', name: network.getName() });
  });

  it('labels an image built by testcontainers', async () => {
    const name = `localhost/${uniqueName()}:1`;
    const source = nextLine();
    await GenericContainer.fromDockerfile(imageFolder).withCache(false).build(name);
    const entry = expectOwned(await imageLabels(name), source);
    expect(entry).toMatchObject({ kind: 'image', id: name });
    expect(stage.isHelper(entry?.key ?? '')).toBe(true);
  });

  it('labels an image committed by testcontainers, distinct from its container', async () => {
    const container = await definition().start();
    const source = nextLine();
    const id = await container.commit({ repo: uniqueName(), tag: '1' });
    const entry = expectOwned(await imageLabels(id), source);
    expect(entry).toMatchObject({ kind: 'image', identity: id });
    expect(stage.isHelper(entry?.key ?? '')).toBe(true);
  });

  it('treats the port forwarder of testcontainers as a helper', async () => {
    const container = await definition().withLabels({ 'org.testcontainers.sshd': 'true' }).start();
    const { 'castoff.start': key = '' } = await containerLabels(container.getId());
    expect(stage.isHelper(key)).toBe(true);
  });
});

describe('resources created by dockerode', () => {
  it('labels a container created by dockerode', async () => {
    const source = nextLine();
    const { id } = await dockerode.createContainer({ Image: specImage, Labels: { mine: 'kept' } });
    const labels = await containerLabels(id);
    expect(expectOwned(labels, source)).toMatchObject({ kind: 'container', id });
    expect(labels['mine']).toBe('kept');
  });

  it('labels a container created with a callback', async () => {
    const created = Promise.withResolvers<string>();
    const source = nextLine();
    dockerode.createContainer({ Image: specImage }, (_, container) => created.resolve(container!.id));
    const id = await created.promise;
    expect(expectOwned(await containerLabels(id), source)).toMatchObject({ kind: 'container', id });
  });

  it('labels containers created in parallel with a line each', async () => {
    const line = nextLine();
    const created = await Promise.all([
      dockerode.createContainer({ Image: specImage, Cmd: ['true'] }),
      dockerode.createContainer({ Image: specImage, Cmd: ['true'] }),
    ]);
    const sources = [1, 2].map((below) => line.replace(/\d+$/, (at) => String(Number(at) + below)));
    const labels = await Promise.all(created.map(({ id }) => containerLabels(id)));
    expect(labels.map((each) => each['castoff.source'])).toEqual(sources);
  });

  it('labels a network created by dockerode', async () => {
    const name = uniqueName();
    const source = nextLine();
    const network = await dockerode.createNetwork({ Name: name });
    const { Labels } = await network.inspect();
    expect(expectOwned(Labels ?? {}, source)).toMatchObject({ kind: 'network', id: network.id, name });
  });

  it('labels a volume created by dockerode', async () => {
    const name = uniqueName();
    const source = nextLine();
    await dockerode.createVolume({ Name: name, Labels: { mine: 'kept' } });
    const { Labels } = await dockerode.getVolume(name).inspect();
    expect(expectOwned(Labels, source)).toMatchObject({ kind: 'volume', id: name });
    expect(Labels['mine']).toBe('kept');
  });

  it('labels an image built by dockerode', async () => {
    const name = `${uniqueName()}:1`;
    const context = { context: imageFolder, src: ['Dockerfile'] };
    const source = nextLine();
    const output = await dockerode.buildImage(context, { t: name, nocache: true, labels: { mine: 'kept' } });
    await new Promise((resolve) => dockerode.modem.followProgress(output, resolve));
    const labels = await imageLabels(name);
    expect(expectOwned(labels, source)).toMatchObject({ kind: 'image', id: name });
    expect(labels['mine']).toBe('kept');
    expect(ownerFromLabels(labels)).toEqual({ ...sessionIdentity().owner, run: undefined });
    expect(await areProven(labels)).toBe(true);
  });

  it('labels an image committed by dockerode', async () => {
    const container = await dockerode.createContainer({ Image: specImage });
    const source = nextLine();
    const { Id } = await container.commit({ repo: uniqueName(), changes: 'LABEL mine=kept' });
    const labels = await imageLabels(Id);
    const entry = expectOwned(labels, source);
    expect(entry).toMatchObject({ kind: 'image', identity: Id });
    expect(labels['mine']).toBe('kept');
    expect(await areProven(labels)).toBe(true);
    expect(stage.isHelper(entry?.key ?? '')).toBe(false);
  });

  it('labels an image imported by dockerode', async () => {
    const repo = uniqueName();
    const source = nextLine();
    const output = await dockerode.importImage(Readable.from([emptyTar]), { repo, tag: '1' });
    await new Promise((resolve) => dockerode.modem.followProgress(output, resolve));
    const labels = await imageLabels(`${repo}:1`);
    expect(expectOwned(labels, source)).toMatchObject({ kind: 'image', id: `${repo}:1` });
    expect(await areProven(labels)).toBe(true);
  });
});

/** Whether these labels alone, without a record, prove that the image is the one created. */
async function areProven(labels: Readonly<Record<string, string>>): Promise<boolean> {
  const claim = [`castoff.start=${labels['castoff.start']}`];
  const { owned } = await listOwned(await connectEngine(), claim, { kinds: ['image'] });
  return owned.length === 1;
}

const helperLines: string[] = [];

async function startByHelper() {
  helperLines.unshift(nextLine());
  const container = await definition().start();
  return container;
}
