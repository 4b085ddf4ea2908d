import { CastoffError } from '../core/errors';
import type { Scope } from '../scope/scope';
import type { TestContext } from './test-context';
import type { WorkerRunState } from './worker-run';
import { loadLate } from './load-late';

const scopes = new WeakMap<TestContext, Scope>();

/**
 * The scope of a place, opened when first asked for.
 *
 * @throws CastoffError `SCOPE_CLOSED` when the place is over, with its name.
 */
export function contextScope(place: TestContext, here: WorkerRunState): Scope {
  if (place.isOver) throw overError(place);
  const open = scopes.get(place);
  if (open !== undefined) return open;
  const { parent, title, test } = place;
  const scope =
    parent === undefined ? openFileScope(title, here) : contextScope(parent, here).child(title, { test });
  scopes.set(place, scope);
  return scope;
}

/** The scope of a place, if anything was ever asked of it. */
export function openContextScope(place: TestContext): Scope | undefined {
  return scopes.get(place);
}

function openFileScope(file: string, { link }: WorkerRunState): Scope {
  const { openScope } = loadLate.scope();
  return openScope(file, { ready: () => link.ready() });
}

function overError({ name, test, parent }: TestContext): CastoffError {
  const what =
    test === undefined ? `${parent === undefined ? 'test file' : 'describe'} ${name}` : `test ${name}`;
  return new CastoffError(
    'SCOPE_CLOSED',
    `scope: ${what} has ended, and what is begun now would have no owner; await all that it does before it ends`,
  );
}
