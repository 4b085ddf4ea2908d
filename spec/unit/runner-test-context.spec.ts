import { describe, expect, it } from '@jest/globals';
import { FileContexts } from '../../lib/runner/test-context';

interface Node {
  readonly title: string;
  readonly parent?: Node;
  readonly isTest?: boolean;
}

const root: Node = { title: 'the file' };
const users: Node = { title: 'users', parent: root };
const inserts: Node = { title: 'inserts', parent: users, isTest: true };
const updates: Node = { title: 'updates', parent: users, isTest: true };

const contextsOf = (name: string): FileContexts<Node> =>
  new FileContexts({
    name,
    path: `/app/${name}`,
    read: ({ title, parent, isTest = false }) =>
      parent === undefined ? undefined : { title, parent, isTest },
  });

describe('the contexts of a test file', () => {
  it('are named after the file, the blocks and the test, and have the full name of the test', () => {
    expect(contextsOf('spec/db.spec.ts').of(inserts)).toMatchObject({
      name: 'spec/db.spec.ts/users/inserts',
      title: 'inserts',
      test: 'users inserts',
      parent: { name: 'spec/db.spec.ts/users', test: undefined, parent: { name: 'spec/db.spec.ts' } },
    });
  });

  it('are the same for a block or test until it is left', () => {
    const contexts = contextsOf('a.js');
    expect(contexts.of(inserts)).toBe(contexts.of(inserts));
    expect(contexts.of(inserts).parent).toBe(contexts.of(updates).parent);
    expect(contexts.of(root)).toBe(contexts.file);
  });

  it('are new for each attempt of a test, and each run of a block', () => {
    const contexts = contextsOf('a.js');
    const first = contexts.of(inserts);
    contexts.leave(inserts);
    expect(contexts.of(inserts)).not.toBe(first);
    expect(contexts.of(inserts).parent).toBe(first.parent);
    contexts.leave(users);
    expect(contexts.of(users)).not.toBe(first.parent);
  });

  // Jest 29 calls concurrent tests when the run starts, long before it reports their start.
  it('include a test that is called before it is entered', () => {
    const contexts = contextsOf('a.js');
    const called = contexts.of(inserts);
    contexts.enter(inserts);
    expect(contexts.of(inserts)).toBe(called);
    expect(contexts.leave(inserts)).toBe(called);
  });
});
