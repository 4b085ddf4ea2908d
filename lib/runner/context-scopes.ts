import { CastoffError } from '../core/errors';
import type { Scope } from '../scope/scope';
import type { TestContext } from './test-context';
import type { AttachedRun } from './attached-run';
import { loadLate } from './load-late';

const scopes = new WeakMap<TestContext, Scope>();

/**
 * Returns the scope of a context, which the first call opens.
 *
 * @throws CastoffError `SCOPE_CLOSED` when the context has ended; names it.
 */
export function openContextScope(context: TestContext, attachedRun: AttachedRun): Scope {
  if (context.hasEnded) throw endedError(context);
  const open = scopes.get(context);
  if (open !== undefined) return open;
  const { parent, title, test } = context;
  const scope =
    parent === undefined
      ? openFileScope(title, attachedRun)
      : openContextScope(parent, attachedRun).child(title, { test });
  scopes.set(context, scope);
  return scope;
}

/** Returns the scope of a context, if {@link openContextScope} has opened it. */
export function findContextScope(context: TestContext): Scope | undefined {
  return scopes.get(context);
}

function openFileScope(file: string, { client }: AttachedRun): Scope {
  const { openScope } = loadLate.scope();
  return openScope(file, { ready: () => client.ready() });
}

function endedError({ name, test, parent }: TestContext): CastoffError {
  const what =
    test === undefined ? `${parent === undefined ? 'test file' : 'describe'} ${name}` : `test ${name}`;
  return new CastoffError(
    'SCOPE_CLOSED',
    `scope: ${what} has ended, and can own nothing new; await everything that it starts`,
  );
}
