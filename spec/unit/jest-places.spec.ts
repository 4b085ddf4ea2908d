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

describe('the places of a test file', () => {
  it('are named after the file, the blocks and the test, and know the full name of the test', () => {
    const place = new TestTree('spec/db.spec.ts', '/app/spec/db.spec.ts').of(inserts);
    expect(place).toMatchObject({
      name: 'spec/db.spec.ts/users/inserts',
      title: 'inserts',
      test: 'users inserts',
      parent: { name: 'spec/db.spec.ts/users', test: undefined, parent: { name: 'spec/db.spec.ts' } },
    });
  });

  it('are one for each block and test, while it lasts', () => {
    const places = new TestTree('a.js', '/app/a.js');
    expect(places.of(inserts)).toBe(places.of(inserts));
    expect(places.of(inserts).parent).toBe(places.of(updates).parent);
    expect(places.of(root)).toBe(places.file);
  });

  it('end with what circus says has ended, and are where the run is until then', () => {
    const places = new TestTree('a.js', '/app/a.js');
    const seen: string[] = [];
    const follow = (event: Parameters<TestTree['follow']>[0]) => {
      const ended = places.follow(event);
      seen.push(`${event.name}: ${ended?.name ?? '-'}, in ${places.current.name}`);
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

  it('are new for each attempt of a test, and of a block', () => {
    const places = new TestTree('a.js', '/app/a.js');
    const first = places.of(inserts);
    places.follow({ name: 'test_done', test: inserts });
    expect(places.of(inserts)).not.toBe(first);
    expect(places.of(inserts).parent).toBe(first.parent);
    places.follow({ name: 'run_describe_finish', describeBlock: users });
    expect(places.of(users)).not.toBe(first.parent);
  });

  // Jest 29 calls concurrent tests when the run begins, long before their `test_start`.
  it('keep that of a test which is called before it is said to start', () => {
    const places = new TestTree('a.js', '/app/a.js');
    const called = places.of(inserts);
    places.follow({ name: 'test_start', test: inserts });
    expect(places.of(inserts)).toBe(called);
    expect(places.follow({ name: 'test_done', test: inserts })).toBe(called);
  });
});
