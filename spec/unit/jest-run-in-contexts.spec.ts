import { describe, expect, it } from '@jest/globals';
import { readNode, type CircusFn, type CircusHook, type CircusTest } from '../../lib/jest/circus';
import { FileContexts, type TestContext } from '../../lib/runner/test-context';
import { runInContexts } from '../../lib/jest/run-in-contexts';

const inTest = 'a.js/users/inserts';

/** A file with one block, in which `fn` is a hook of each type and a test. */
function fileWith(fn: CircusFn) {
  const types = ['beforeAll', 'beforeEach', 'afterEach', 'afterAll'] as const;
  const hooks = types.map((type): CircusHook => ({ type, fn }));
  const children: CircusTest[] = [];
  const root = {
    type: 'describeBlock' as const,
    name: 'ROOT_DESCRIBE_BLOCK',
    hooks: [],
    children: [] as object[],
  };
  const block = { type: 'describeBlock' as const, name: 'users', parent: root as never, hooks, children };
  const test: CircusTest = { type: 'test', name: 'inserts', parent: block, fn, errors: [] };
  children.push(test);
  root.children.push(block, { type: 'test', name: 'to do', parent: root, errors: [] });
  return { root: root as never, hooks, test };
}

function wrapped(fn: CircusFn) {
  const file = fileWith(fn);
  const contexts = new FileContexts({ name: 'a.js', path: '/app/a.js', read: readNode });
  let current: TestContext | undefined;
  runInContexts(file.root, contexts, (context, work) => {
    current = context;
    try {
      return work();
    } finally {
      current = undefined;
    }
  });
  return { ...file, contexts, currentName: () => current?.name };
}

describe('the functions of a test file', () => {
  it('run in the context of their test, or of their block', () => {
    const seen: unknown[] = [];
    const { hooks, test, contexts, currentName } = wrapped(() => void seen.push(currentName()));
    const [beforeAll, beforeEach, afterEach, afterAll] = hooks;
    beforeAll!.fn.call(undefined);
    contexts.enter(test);
    beforeEach!.fn.call(undefined);
    test.fn!.call(undefined);
    afterEach!.fn.call(undefined);
    contexts.leave(test);
    afterAll!.fn.call(undefined);
    expect(seen).toEqual(['a.js/users', inTest, inTest, inTest, 'a.js/users']);
  });

  it('keep their result, their error, their `this` and their arguments', () => {
    const context = { isTest: true };
    const { test } = wrapped(function (this: unknown, ...args) {
      return [this, ...args];
    });
    expect(test.fn!.call(context, 'row')).toEqual([context, 'row']);
    const error = new Error('no');
    const { test: failing } = wrapped(() => {
      throw error;
    });
    expect(() => failing.fn!.call(context)).toThrow(error);
  });

  it.each([
    ['none', () => undefined, 0],
    ['done', (_done: unknown) => undefined, 1],
  ])('keep their number of parameters: %s', (_, fn, length) => {
    const { test, hooks } = wrapped(fn);
    expect(test.fn).toHaveLength(length);
    expect(hooks[0]!.fn).toHaveLength(length);
  });

  it('run in their context step by step if they are generators, which jest-circus recognises', () => {
    const seen: unknown[] = [];
    const { test, currentName } = wrapped(function* (this: unknown) {
      seen.push(currentName());
      try {
        seen.push(yield 'first');
      } catch (error) {
        seen.push(error, currentName());
      }
      return 'last';
    });
    expect(Object.prototype.toString.call(test.fn)).toBe('[object GeneratorFunction]');
    const steps = test.fn!.call(undefined) as Iterator<unknown>;
    expect(steps.next()).toEqual({ done: false, value: 'first' });
    expect(steps.throw!('refused')).toEqual({ done: true, value: 'last' });
    expect(seen).toEqual([inTest, 'refused', inTest]);
  });

  it('have the promises that they return, or yield, awaited in their context', async () => {
    let currentName: () => unknown = () => undefined;
    // oxlint-disable-next-line unicorn/no-thenable -- it runs when it is awaited, as queries of some packages do
    const query = { then: (resolve: (name: unknown) => void) => resolve(currentName()) };
    const returning = wrapped(() => query);
    currentName = returning.currentName;
    await expect(returning.test.fn!.call(undefined)).resolves.toBe(inTest);
    const yielding = wrapped(function* () {
      yield query;
    });
    currentName = yielding.currentName;
    const [yielded] = [...(yielding.test.fn!.call(undefined) as Iterable<unknown>)];
    await expect(yielded).resolves.toBe(inTest);
  });
});
