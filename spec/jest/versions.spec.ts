import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { runJudged } from '../support/judged-jest';
import { otherNodes, otherVersions } from '../support/other-versions';
import { withoutWaiting } from '../support/without-waiting';

const run = promisify(execFile);
const oldest = join(__dirname, '../fixtures/testcontainers-8/node_modules/testcontainers');

const testcontainers = [...otherVersions].filter(([name]) => name.startsWith('testcontainers-'));

// Versions before 11.12 start Ryuk in spite of a session, and Ryuk has no image here.
const sessionEnvironment = {
  ...process.env,
  CASTOFF_REAPER: 'process',
  CASTOFF_SWEEP: 'off',
  NODE_OPTIONS: '',
  TESTCONTAINERS_RYUK_DISABLED: 'true',
};

/** Runs tests with scopes and without, and a session without Jest, in one project. */
async function useAll(modules: Readonly<Record<string, string>>, node = process.execPath) {
  let session = { stdout: '', stderr: '' };
  const end = await runJudged('versions', { modules, node }, async (jest) => {
    const { stdout, stderr } = await run(node, ['session.cjs'], {
      cwd: jest.folder,
      env: sessionEnvironment,
    });
    session = { stdout, stderr: withoutWaiting(stderr) };
  });
  return { ...end, session };
}

const expected = {
  left: [],
  verdict: {
    // The line of the test or the line in it: versions before 10 have no async functions.
    leaks: [
      {
        test: 'forgets a container',
        outcome: 'removed',
        source: expect.stringMatching(/^raw\.test\.js:[45]$/),
      },
    ],
    counts: { container: 3, network: 1 },
    left: [],
    failures: [],
  },
  session: { stdout: 'network present, container present\nleft: 0\n', stderr: '' },
};

describe('testcontainers', () => {
  it.each([
    ['8.8.0, the oldest', oldest],
    ...testcontainers.map(([name, path]) => [name, join(path, 'testcontainers')]),
  ])('%s: castoff tracks, owns and removes its containers, without a warning', async (_, path) => {
    const end = await useAll({ testcontainers: path ?? '' });
    expect(end.stderr).toMatch(/Tests: +4 passed, 4 total/);
    expect(end.stderr).not.toMatch(/warning/i);
    expect(end).toMatchObject(expected);
  });
});

if (otherNodes.length > 0) {
  describe('Node.js', () => {
    // testcontainers 12 needs a later Node.js than castoff.
    const [, path = ''] = testcontainers.find(([name]) => name.startsWith('testcontainers-11')) ?? [];
    it.each(otherNodes)('%s: runs tests and sessions', async (_, node) => {
      expect(await useAll({ testcontainers: join(path, 'testcontainers') }, node)).toMatchObject(expected);
    });
  });
}
