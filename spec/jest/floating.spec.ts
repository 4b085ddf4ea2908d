import { dirname } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { endReapersOf } from '../support/end-reapers';
import { openFaultProxy } from '../support/fault-proxy';
import { runJudged, type JudgedJest } from '../support/judged-jest';

describe('a stop() or command that its test does not await', () => {
  let end: JudgedJest;

  beforeAll(async () => {
    end = await runJudged('floating', { args: ['--runInBand', 'shelves'] });
  });

  it('finishes before castoff removes its container, so that neither fails', () => {
    expect(end.stderr).toMatch(/Tests: +4 passed, 4 total/);
    expect(end).toMatchObject({ exitCode: 0, left: [] });
  });

  it('is not a leak', () => {
    expect(end.printed).toEqual(['castoff: 4 containers, all gone']);
  });
});

describe('a call that hangs', () => {
  it.each([
    [
      'dockerode and commands',
      'stuck.test.js',
      [
        'stop() at stuck.test.js:10',
        'remove() at stuck.test.js:15',
        // Without options, nothing of Node.js runs below the user's line.
        'remove() near stuck.test.js:18',
        'kill() at stuck.test.js:25',
      ],
    ],
    [
      'testcontainers, whose stop() awaits before its request',
      'stuck-library.test.js',
      ['stop() near stuck-library.test.js:5'],
    ],
  ])('is awaited for a limited time, and reported with the leak: %s', async (_what, file, calls) => {
    await using proxy = await openFaultProxy();
    proxy.inject({ on: 'POST /containers/*/stop', fault: { type: 'swallow' } });
    proxy.inject({ on: 'POST /containers/*/kill', fault: { type: 'swallow' } });
    proxy.inject({
      on: 'DELETE /containers/*',
      fault: { type: 'swallow' },
      times: file === 'stuck.test.js' ? 2 : 0,
    });
    const env = { DOCKER_HOST: proxy.address, TMPDIR: dirname(proxy.socketPath) };
    const end = await runJudged('floating', { args: [file, '--forceExit'], env }, async (run) =>
      endReapersOf(run),
    );
    expect(end.verdict.leaks.map(({ state, floating }) => [state, floating])).toEqual(
      calls.map((call) => ['gone', call]),
    );
    for (const call of calls) expect(end.stderr).toContain(`: ${call} was not awaited`);
    expect(end).toMatchObject({ exitCode: 1, left: [] });
  });
});
