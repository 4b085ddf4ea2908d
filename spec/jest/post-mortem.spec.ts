import { beforeAll, describe, expect, it } from '@jest/globals';
import { runJest } from '../support/jest-run';

/** How often `words` stand in `text`. */
const countOf = (text: string, words: string): number => text.split(words).length - 1;

describe('the message of a test that fails', () => {
  let stderr: string;
  const messageOf = (title: string): string =>
    stderr.split('\n  ● ').find((part) => part.startsWith(title)) ?? '';

  beforeAll(async () => {
    ({ stderr } = await runJest('post-mortem', { env: { CASTOFF_LEAKS: 'off' } }));
  });

  it('has state and last output of its containers below the error, above the line, whoever created them', () => {
    const message = messageOf('block › fails\n');
    expect(message).toMatch(
      /Received: "the one"\n\n +container \S+ of castoff-spec\/busybox:1: running\n +last output:\n/,
    );
    expect(message).toContain('| raw\n');
    expect(message).toContain('| line 30\n');
    expect(message.indexOf('| line 30')).toBeLessThan(message.indexOf("expect('the one')"));
  });

  it('has those of the blocks around it too', () => {
    expect(messageOf('block › fails\n')).toContain('| of the block\n');
  });

  it('has the last 20 lines of each', () => {
    const message = messageOf('block › fails\n');
    expect(message).toContain('| line 13\n');
    expect(message).not.toContain('| line 11\n');
  });

  it('has the last four containers at most, the newest first', () => {
    const names = [...messageOf('fails with many\n').matchAll(/\| of (\w)\n/g)].map(([, name]) => name);
    expect(names).toEqual(['e', 'd', 'c', 'b']);
  });

  it('says nothing of a container that another message has told of, or of one that is gone', () => {
    expect(countOf(stderr, '| of the block')).toBe(1);
    expect(stderr).not.toContain('of a test that passes');
    expect(messageOf('block › fails again\n')).toContain('assert.strictEqual(received, expected)');
    expect(messageOf('block › fails again\n')).not.toContain('container');
  });

  it('names a start that is still under way, and what it waits for, with what its container has said', () => {
    const message = messageOf('slow › times out while its block starts\n');
    expect(message).toMatch(
      /start of GenericContainer \(failing\.test\.js:\d+\) has waited [\d.]+ m?s for log 'opened'; its startup timeout is 30 s\n +container \S+ of castoff-spec\/busybox:1: running\n +last output:\n +\| opening\n/,
    );
  });

  it('is as it was where there are none', () => {
    expect(messageOf('fails without any\n')).toMatch(/^fails without any\n\n +none\n\n +\d+ \|/);
  });
});
