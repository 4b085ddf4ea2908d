import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { endReapersOf } from '../support/end-reapers';
import { makeUndeletable } from '../support/fault-undeletable';
import { openFaultProxy, type FaultProxy } from '../support/fault-proxy';
import { startJest } from '../support/jest-run';
import { runJudged } from '../support/judged-jest';
import { openPrivateEngine } from '../support/private-engine';
import { until } from '../support/until';

/** Routes a run through the proxy, and puts its temporary files, such as its reaper's socket, beside it. */
function through({ address, socketPath }: FaultProxy): Readonly<Record<string, string>> {
  return { DOCKER_HOST: address, TMPDIR: dirname(socketPath) };
}

/** Returns whether the second test still found the container of the first. */
async function runInOrder(proxy: FaultProxy, env: Readonly<Record<string, string>> = {}) {
  let seen = '';
  const end = await runJudged(
    'background',
    { args: ['order'], env: { ...through(proxy), ...env } },
    async (run) => {
      seen = readFileSync(join(run.folder, 'seen.txt'), 'utf8');
      endReapersOf(run);
    },
  );
  expect(end).toMatchObject({ exitCode: 0, left: [], verdict: { isFailure: false } });
  expect(end.printed).toEqual(['castoff: 1 container, all gone']);
  return seen;
}

describe('the container of a test that has ended', () => {
  it('is removed while the next test runs', async () => {
    await using proxy = await openFaultProxy();
    const hasInspected = (): boolean =>
      proxy.calls.some(({ path, ended }) => path.endsWith('/changes') && ended !== undefined);
    // No removal succeeds before the next test has inspected the container.
    proxy.inject({
      on: 'DELETE /containers/*',
      fault: () => (hasInspected() ? undefined : { type: 'answer', status: 500, message: 'not yet' }),
      times: Infinity,
    });
    // The next test waits for the removal to start.
    const started = join(dirname(proxy.socketPath), 'removal-started');
    const removal = proxy.until('DELETE /containers/*', 60_000).then(() => writeFileSync(started, ''));
    expect(await runInOrder(proxy, { REMOVAL_BEGUN: started })).toBe('there');
    await removal;
  });

  it("is removed before the next test starts with cleanup: 'wait'", async () => {
    await using proxy = await openFaultProxy();
    proxy.inject({ on: 'DELETE /containers/*', fault: { type: 'delay', ms: 500 } });
    expect(await runInOrder(proxy, { OPTION: 'wait' })).toBe('404');
  });

  it('is removed before the next test starts if it has a fixed name or host port', async () => {
    await using proxy = await openFaultProxy();
    for (const kind of ['containers', 'networks', 'volumes'])
      proxy.inject({ on: `DELETE /${kind}/*`, fault: { type: 'delay', ms: 300 }, times: Infinity });
    const options = { args: ['names'], env: through(proxy) };
    const end = await runJudged('background', options, async (run) => endReapersOf(run));
    expect(end.stderr).toMatch(/Tests: +10 passed, 10 total/);
    expect(end.printed).toEqual(['castoff: 6 containers, 2 networks, 2 volumes, all gone']);
    expect(end).toMatchObject({ exitCode: 0, left: [] });
  });
});

describe('a removal that fails after its test has passed', () => {
  it('fails the run, and is reported with the test', async () => {
    await using engine = await openPrivateEngine();
    const run = await startJest('background', {
      args: ['late-failure'],
      env: {
        DOCKER_HOST: engine.address,
        // The journal and the reaper, which still know the container, are removed with the engine.
        TMPDIR: dirname(engine.socketPath),
        CASTOFF_REPORT_FILE: 'report.json',
      },
    });
    try {
      const ready = join(run.folder, 'ready.txt');
      expect(await until(() => existsSync(ready), 30_000)).toBe(true);
      const id = readFileSync(ready, 'utf8');
      {
        await using _ = await makeUndeletable(engine.socketPath, id);
        writeFileSync(join(run.folder, 'go.txt'), '');
        expect(await until(() => run.output().includes('PASS ./late-failure.test.js'), 30_000)).toBe(true);
      }
      // The end of the run tries again.
      const { exitCode, stderr } = await run.ended;
      expect(exitCode).toBe(1);
      expect(stderr).toMatch(/Tests: +2 passed, 2 total/);
      expect(stderr).toContain('castoff: 1 resource of this run could not be removed at first\n');
      expect(await run.report()).toMatchObject({
        isFailure: true,
        leaks: [],
        left: [{ kind: 'container', id, test: 'has a container that cannot be removed', lastLook: 'gone' }],
      });
    } finally {
      await run.close();
    }
  });
});
