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

describe('a stop() that hangs', () => {
  it.each([
    ['dockerode', 'stuck.test.js', 'stuck.test.js:5', 'stop() at stuck.test.js:6'],
    [
      'testcontainers, whose stop() awaits before its request',
      'stuck-library.test.js',
      'stuck-library.test.js:4',
      'stop() near stuck-library.test.js:5',
    ],
  ])(
    'is awaited for a limited time, and reported with the leak: %s',
    async (_what, file, source, floating) => {
      await using proxy = await openFaultProxy();
      proxy.inject({ on: 'POST /containers/*/stop', fault: { type: 'swallow' } });
      const env = { DOCKER_HOST: proxy.address, TMPDIR: dirname(proxy.socketPath) };
      const end = await runJudged('floating', { args: [file, '--forceExit'], env }, async (run) =>
        endReapersOf(run),
      );
      expect(end.verdict).toMatchObject({ leaks: [{ source, state: 'gone', floating }] });
      expect(end.stderr).toContain(`: ${floating} was not awaited`);
      expect(end).toMatchObject({ exitCode: 1, left: [] });
    },
  );
});
