import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { connectEngine } from '../../lib/engine/connect';
import { buildReaperImage } from '../../lib/lease/image';
import { bundleForNode, type Bundle } from '../support/bundle';
import { writeComposeFile } from '../support/compose-command';
import { makeAlmostAll } from '../support/kill-round-bystanders';
import { startChild } from '../support/kill-round-child';
import { pickOwn, takeStock } from '../support/kill-round-stock';
import { removeLeftovers } from '../support/leftovers';
import { specImage } from '../support/spec-image';
import { createRunningContainer, docker, exists, removeByHand } from '../support/things';
import { until } from '../support/until';

let bundle: Bundle | undefined;
beforeAll(async () => {
  await buildReaperImage(await connectEngine());
  bundle = await bundleForNode('index.ts');
});
afterAll(async () => {
  await removeLeftovers();
  await bundle?.[Symbol.asyncDispose]();
});

it('what only looks like a killed program’s stays: other values, other keys, a project of almost that name, a Ryuk', async () => {
  await using child = await startChild(bundle!, {
    reaper: 'container',
    things: ['raw', 'volume', 'network', 'compose'],
    atOnce: 4,
    end: 'wait',
  });
  await child.reached('done');
  const { session = '', foreignSession = '', names } = child.traces;
  const project = [...names].find((name) => name.endsWith('-3')) ?? '';
  const labels = {
    'castoff.session': session,
    'org.testcontainers.session-id': foreignSession,
    'com.docker.compose.project': project,
  };
  const others = await makeAlmostAll(labels);
  const ryuk = await createRunningContainer({
    Labels: { 'castoff.session': session, 'org.testcontainers.ryuk': 'true' },
  });
  const neighbour = `${project}-too`;
  await using file = await writeComposeFile({
    version: '3.5',
    services: { web: { image: specImage, command: ['sleep', '600'], volumes: ['data:/data'] } },
    volumes: { data: {} },
  });
  await file.up(neighbour);
  try {
    child.signal('SIGKILL');
    const own = async () => {
      const stock = pickOwn(await takeStock([child.traces.folder]), child.traces);
      return stock.filter(({ names: [id] }) => id !== ryuk);
    };
    expect((await own()).length).toBeGreaterThan(5);
    expect(await until(async () => (await own()).length === 0, 15_000, 100)).toBe(true);

    expect(await others.missing()).toEqual([]);
    expect(await exists('container', ryuk)).toBe(true);
    expect(await partsOf(neighbour)).toEqual(['running', `${neighbour}_data`, `${neighbour}_default`]);
  } finally {
    await others.remove();
    await removeByHand('container', ryuk);
    for (const container of await containersOf(neighbour)) await removeByHand('container', container);
    await removeByHand('network', `${neighbour}_default`);
    await removeByHand('volume', `${neighbour}_data`);
  }
}, 90_000);

const filtersOf = (project: string) => ({ label: [`com.docker.compose.project=${project}`] });

async function containersOf(project: string): Promise<readonly string[]> {
  const listed = await docker.listContainers({ all: true, filters: filtersOf(project) });
  return listed.map(({ Id }) => Id);
}

async function partsOf(project: string): Promise<readonly string[]> {
  const filters = filtersOf(project);
  const containers = await docker.listContainers({ filters });
  const networks = await docker.listNetworks({ filters });
  const { Volumes } = await docker.listVolumes({ filters });
  return [
    ...containers.map(({ State }) => State),
    ...Volumes.map(({ Name }) => Name),
    ...networks.map(({ Name }) => Name),
  ];
}
