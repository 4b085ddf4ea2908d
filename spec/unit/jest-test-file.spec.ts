import { describe, expect, it } from '@jest/globals';
import type { CircusBlock, CircusEvent, CircusTest } from '../../lib/jest/circus';
import { TestFile } from '../../lib/jest/test-file';

const block = (name: string, parent?: CircusBlock): CircusBlock => ({
  type: 'describeBlock',
  name,
  parent,
  hooks: [],
  children: [],
});
const test = (name: string, parent: CircusBlock): CircusTest => ({ type: 'test', name, parent, errors: [] });

describe('a test file', () => {
  it('ends its contexts with the events of jest-circus; each is current until then', () => {
    const root = block('ROOT_DESCRIBE_BLOCK');
    const users = block('users', root);
    const inserts = test('inserts', users);
    const updates = test('updates', users);
    const file = new TestFile('a.js', '/app/a.js');
    const { contexts } = file;
    const open = new Set([users, inserts, updates].map((node) => contexts.of(node)).concat(contexts.file));
    const seen: string[] = [];
    const follow = (event: CircusEvent) => {
      expect(file.follow(event, { rootDescribeBlock: root, unhandledErrors: [] })).toBeUndefined();
      const ended = [...open].filter(({ hasEnded }) => hasEnded);
      for (const each of ended) open.delete(each);
      const names = ended.map(({ name }) => name).join();
      seen.push(`${event.name}: ${names || '-'}, in ${contexts.current.name}`);
    };
    follow({ name: 'run_start' });
    follow({ name: 'run_describe_start', describeBlock: root });
    follow({ name: 'run_describe_start', describeBlock: users });
    follow({ name: 'test_start', test: inserts });
    follow({ name: 'test_done', test: inserts });
    follow({ name: 'test_start', test: updates });
    follow({ name: 'test_skip', test: updates });
    follow({ name: 'run_describe_finish', describeBlock: users });
    follow({ name: 'run_describe_finish', describeBlock: root });
    follow({ name: 'run_finish' });
    expect(seen).toEqual([
      'run_start: -, in a.js',
      'run_describe_start: -, in a.js',
      'run_describe_start: -, in a.js/users',
      'test_start: -, in a.js/users/inserts',
      'test_done: a.js/users/inserts, in a.js/users',
      'test_start: -, in a.js/users/updates',
      'test_skip: a.js/users/updates, in a.js/users',
      'run_describe_finish: a.js/users, in a.js',
      // The file ends after its own hooks.
      'run_describe_finish: -, in a.js',
      'run_finish: a.js, in a.js',
    ]);
  });
});
