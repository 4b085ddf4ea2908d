import { beforeAll, describe, expect, it } from '@jest/globals';
import { runJest } from '../support/jest-run';

/** Returns how often `text` contains `part`. */
const countOf = (text: string, part: string): number => text.split(part).length - 1;

describe('the message of a failed test', () => {
  let stderr: string;
  const messageOf = (title: string): string =>
    stderr.split('\n  ● ').find((part) => part.startsWith(title)) ?? '';

  beforeAll(async () => {
    ({ stderr } = await runJest('post-mortem', { env: { CASTOFF_LEAKS: 'off' } }));
  });

  it('has the state and last output of its containers, with a scope or without, between the error and its line', () => {
    const message = messageOf('block › fails\n');
    expect(message).toMatch(
      /Received: "the one"\n\n +container \S+ of castoff-spec\/busybox:1: running\n +last output:\n/,
    );
    // The scope has adopted it.
    expect(countOf(message, '| raw\n')).toBe(1);
    expect(message).toContain('| line 30\n');
    expect(message.indexOf('| line 30')).toBeLessThan(message.indexOf("expect('the one')"));
  });

  it('has the containers of the blocks around it too', () => {
    expect(messageOf('block › fails\n')).toContain('| of the block\n');
  });

  it('has the last 20 lines of each container', () => {
    const message = messageOf('block › fails\n');
    expect(message).toContain('| line 13\n');
    expect(message).not.toContain('| line 11\n');
  });

  it('has the last four containers at most, newest first', () => {
    const names = [...messageOf('fails with many\n').matchAll(/\| of (\w)\n/g)].map(([, name]) => name);
    expect(names).toEqual(['e', 'd', 'c', 'b']);
  });

  it('has no container that another message has shown, or that no longer exists', () => {
    expect(countOf(stderr, '| of the block')).toBe(1);
    expect(stderr).not.toContain('of a test that passes');
    expect(messageOf('block › fails again\n')).toContain('assert.strictEqual(received, expected)');
    expect(messageOf('block › fails again\n')).not.toContain('container');
  });

  it('has a start in progress, what it waits for, and the output of its container', () => {
    const message = messageOf('slow › times out while its block starts\n');
    expect(message).toMatch(
      /start of GenericContainer \(failing\.test\.js:\d+\) has been waiting for log 'opened' for [\d.]+ m?s; its own limit is 30 s\n +container \S+ of castoff-spec\/busybox:1: running\n +last output:\n +\| opening\n/,
    );
    expect(countOf(message, 'has been waiting for log')).toBe(1);
  });

  it('is unchanged without containers', () => {
    expect(messageOf('fails without any\n')).toMatch(/^fails without any\n\n +none\n\n +\d+ \|/);
  });
});
