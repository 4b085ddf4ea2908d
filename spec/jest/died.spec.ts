import { beforeAll, describe, expect, it } from '@jest/globals';
import { runJudged, type JudgedJest } from '../support/judged-jest';

describe('a container that has died', () => {
  let stderr: string;
  let end: JudgedJest;
  /** Returns the failure message of a test. */
  const messageOf = (file: string, title: string): string =>
    stderr
      .split(/(?=FAIL )/)
      .find((part) => part.startsWith(`FAIL ./${file}`))
      ?.split('\n  ● ')
      .find((part) => part.startsWith(`${title}\n`)) ?? '';

  beforeAll(async () => {
    end = await runJudged('died', { args: ['--maxWorkers', '2'] });
    ({ stderr } = end);
  });

  it.each(['orders-1.test.js', 'orders-2.test.js'])(
    'is shown in the first failed test of %s, even if it is shared and another worker created it',
    (file) => {
      const message = messageOf(file, 'fails first');
      expect(message).toMatch(
        /\n +container \S+ of \S+: exited, exit code 137 \(SIGKILL\)\n +last output:\n +\| of the file/,
      );
      expect(message).toMatch(
        /shared orders db: container \S+ of \S+: exited, exit code 137 \(SIGKILL\)\n +last output:\n +\| of the run/,
      );
    },
  );

  it.each(['orders-1.test.js', 'orders-2.test.js'])(
    'is named with its line in later failed tests of %s',
    (file) => {
      const message = messageOf(file, 'fails later');
      expect(message).toMatch(
        /\n +container \S+ of \S+: exited, exit code 137 \(SIGKILL\) \(orders\.js:\d+\)\n/,
      );
      expect(message).toMatch(
        /shared orders db: container \S+ of \S+: exited, exit code 137 \(SIGKILL\) \(orders\.js:\d+\)\n/,
      );
      expect(message).not.toContain('last output');
    },
  );

  it('is listed once in the verdict', () => {
    const died = 'exited, exit code 137 (SIGKILL)';
    const scopes = ['orders-1.test.js', 'orders-2.test.js', 'shared/orders db'];
    expect(end.verdict.died.map(({ scope }) => scope).toSorted()).toEqual(scopes);
    expect(end.verdict.died).toMatchObject([{ died }, { died }, { died }]);
    expect(stderr).toContain('castoff: 3 containers had died when a test that depends on them failed\n');
    expect(stderr).toMatch(
      /container \S+ \(\w+\), created in 'shared\/orders db' \(orders\.js:\d+\): exited, exit code 137 \(SIGKILL\)\n/,
    );
    expect(end.left).toEqual([]);
  });
});
