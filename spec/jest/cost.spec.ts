import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startJest, type JestRun } from '../support/jest-run';

const listLoaded = ['--require', join(__dirname, '../fixtures/jest/list-loaded.cjs')];

// The cost is 20 ms on an idle machine. The loaded code is checked instead, because it does not depend on the
// machine.
describe('a suite without containers', () => {
  let run: JestRun;
  let loaded: readonly string[];
  beforeAll(async () => {
    run = await startJest('plain', { args: ['--runInBand', 'empty.test.js'], nodeArgs: listLoaded });
    await run.ended;
    loaded = JSON.parse(await readFile(join(run.folder, 'loaded.json'), 'utf8'));
  });
  afterAll(() => run?.close());

  it('passes, and castoff prints nothing', async () => {
    expect(await run.ended).toMatchObject({ exitCode: 0 });
    expect(run.output()).not.toMatch(/castoff/i);
  });

  it('loads neither an engine client nor scopes', () => {
    expect(loaded).toContainEqual(expect.stringMatching(/jest\/teardown\.js$/));
    expect(
      loaded.filter((file) =>
        /dockerode|connect(?!ions\.js)|resources|capture-work|scope\.js|session\.js|lease/.test(file),
      ),
    ).toEqual([]);
  });

  it('loads less than 250 kB of code, from less than 40 files', async () => {
    expect(loaded.length).toBeLessThan(40);
    const sizes = await Promise.all(loaded.map(async (file) => (await stat(file)).size));
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(250_000);
  });
});
