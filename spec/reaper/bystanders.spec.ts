import { afterAll, expect, it } from '@jest/globals';
import { createIdle, createNetworkOf, createVolumeOf, stillThere } from '../support/claimed-things';
import { makeAlmostAll } from '../support/kill-round-bystanders';
import { startChild } from '../support/kill-round-child';
import { pickOwn, takeStock } from '../support/kill-round-stock';
import { removeLeftovers } from '../support/leftovers';
import { exists, removeByHand } from '../support/things';
import { until } from '../support/until';

afterAll(() => removeLeftovers());

it('resources that only resemble those of a killed program are kept: other values, other keys, a similar project name, a Ryuk', async () => {
  await using child = await startChild({
    reaper: 'container',
    things: ['created', 'volume', 'network', 'compose'],
    atOnce: 4,
    end: 'wait',
  });
  await child.reached('done', 60_000);
  const { session = '', foreignSession = '', names } = child.traces;
  const project = [...names].find((name) => name.endsWith('-3')) ?? '';
  const labels = {
    'castoff.session': session,
    'org.testcontainers.session-id': foreignSession,
    'com.docker.compose.project': project,
  };
  const others = await makeAlmostAll(labels);
  const { id: ryuk } = await createIdle({ 'castoff.session': session, 'org.testcontainers.ryuk': 'true' });
  const ofNeighbour = { 'com.docker.compose.project': `${project}-too` };
  const neighbour = await Promise.all([
    createIdle(ofNeighbour),
    createNetworkOf(ofNeighbour),
    createVolumeOf(ofNeighbour),
  ]);
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
    expect(await stillThere(neighbour)).toEqual(neighbour);
  } finally {
    await others.remove();
    await removeByHand('container', ryuk);
  }
}, 90_000);
