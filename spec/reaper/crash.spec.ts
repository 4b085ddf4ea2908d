import { afterAll, expect, it } from '@jest/globals';
import { startChild, type Making } from '../support/kill-round-child';
import { isReaping, pickOwn, takeStock } from '../support/kill-round-stock';
import { removeLeftovers } from '../support/leftovers';
import { isLong } from '../support/spec-size';
import { until } from '../support/until';

const many = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);

const half = isLong ? 14 : 2;
const things: readonly Making[] = [
  ...many(half, () => 'scoped' as const),
  'raw',
  ...many(half - 1, () => 'created' as const),
  'network',
  'volume',
  'volume',
  // Has its own container, like a Compose project.
  'image',
];
const withCompose = { more: ', and a Compose project', projects: ['compose' as const] };
const cases = [
  { reaper: 'container' as const, ...withCompose },
  // compose-crash.spec.ts covers projects that a reaper process removes.
  { reaper: 'process' as const, ...(isLong ? withCompose : { more: '', projects: [] }) },
];

afterAll(() => removeLeftovers());

it.each(cases)(
  'a killed program with containers, a network, volumes, an image$more leaves nothing (reaper: $reaper)',
  async ({ reaper, projects }) => {
    const all = [...things, ...projects];
    await using child = await startChild({ reaper, things: all, atOnce: 8, end: 'wait' });
    const { traces } = child;
    await child.reached('done', 90_000);
    const own = async () => pickOwn(await takeStock([traces.folder]), traces);
    const had = (await own()).filter((one) => !isReaping(one));
    const count = (kind: string): number => had.filter((one) => one.kind === kind).length;
    expect(count('container')).toBe(2 * half + 1 + projects.length);
    // Compose creates a network and a volume; each raw container has an anonymous volume.
    expect([count('network'), count('volume')]).toEqual([1 + projects.length, 2 + projects.length + half]);
    // Docker's classic builder counts the layer of its RUN as another image.
    expect(count('image')).toBeGreaterThanOrEqual(1);

    child.signal('SIGKILL');
    const areGone = await until(async () => (await own()).every(isReaping), 40_000, 200);
    expect(areGone ? [] : await own()).toEqual([]);
    expect(await until(async () => (await own()).length === 0)).toBe(true);
  },
  180_000,
);
