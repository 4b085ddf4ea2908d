import { describe, expect, it } from '@jest/globals';
import type { CircusBlock, CircusTest } from '../../lib/jest/circus';
import { TestTree } from '../../lib/jest/test-tree';

const block = (name: string, parent?: CircusBlock): CircusBlock => ({
  type: 'describeBlock',
  name,
  parent,
  hooks: [],
  children: [],
});
const test = (name: string, parent: CircusBlock): CircusTest => ({ type: 'test', name, parent, errors: [] });

const root = block('ROOT_DESCRIBE_BLOCK');
const users = block('users', root);
const inserts = test('inserts', users);
const updates = test('updates', users);

describe('the contexts of a test file', () => {
  it('are named after the file, the blocks and the test, and have the full name of the test', () => {
    const context = new TestTree('spec/db.spec.ts', '/app/spec/db.spec.ts').of(inserts);
    expect(context).toMatchObject({
      name: 'spec/db.spec.ts/users/inserts',
      title: 'inserts',
      test: 'users inserts',
      parent: { name: 'spec/db.spec.ts/users', test: undefined, parent: { name: 'spec/db.spec.ts' } },
    });
  });

  it('are the same for a block or test until it ends', () => {
    const tree = new TestTree('a.js', '/app/a.js');
    expect(tree.of(inserts)).toBe(tree.of(inserts));
    expect(tree.of(inserts).parent).toBe(tree.of(updates).parent);
    expect(tree.of(root)).toBe(tree.file);
  });

  it('end with the events of jest-circus, and are current until then', () => {
    const tree = new TestTree('a.js', '/app/a.js');
    const seen: string[] = [];
    const follow = (event: Parameters<TestTree['follow']>[0]) => {
      const ended = tree.follow(event);
      seen.push(`${event.name}: ${ended?.name ?? '-'}, in ${tree.current.name}`);
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

  it('are new for each attempt of a test, and each run of a block', () => {
    const tree = new TestTree('a.js', '/app/a.js');
    const first = tree.of(inserts);
    tree.follow({ name: 'test_done', test: inserts });
    expect(tree.of(inserts)).not.toBe(first);
    expect(tree.of(inserts).parent).toBe(first.parent);
    tree.follow({ name: 'run_describe_finish', describeBlock: users });
    expect(tree.of(users)).not.toBe(first.parent);
  });

  // Jest 29 calls concurrent tests when the run starts, long before their `test_start`.
  it('include a test that is called before its test_start', () => {
    const tree = new TestTree('a.js', '/app/a.js');
    const called = tree.of(inserts);
    tree.follow({ name: 'test_start', test: inserts });
    expect(tree.of(inserts)).toBe(called);
    expect(tree.follow({ name: 'test_done', test: inserts })).toBe(called);
  });
});
