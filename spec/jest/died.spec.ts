import { beforeAll, describe, expect, it } from '@jest/globals';
import { runJest } from '../support/jest-run';

describe('a container that has died', () => {
  let stderr: string;
  /** The message of the test of that title in the file. */
  const messageOf = (file: string, title: string): string =>
    stderr
      .split(/(?=FAIL )/)
      .find((part) => part.startsWith(`FAIL ./${file}`))
      ?.split('\n  ● ')
      .find((part) => part.startsWith(`${title}\n`)) ?? '';

  beforeAll(async () => {
    ({ stderr } = await runJest('died', { args: ['--maxWorkers', '2'] }));
  });

  it.each(['orders-1.test.js', 'orders-2.test.js'])(
    'is shown in the first test of %s that fails, also where the run shares it and another worker has made it',
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
    'is named with its line in the tests of %s that fail later',
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
});
