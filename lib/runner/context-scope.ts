import type { Socket } from 'node:net';
import { CastoffError } from '../core/errors';
import type { BackgroundRemoval, OwnedTarget } from '../scope/owned-resource';
import type { Scope } from '../scope/scope';
import type { AttachedRun } from './attached-run';
import { findConnections, waitUntilClosed } from './connections';
import { loadLate } from './load-late';
import type { TestContext } from './test-context';

const scopes = new WeakMap<TestContext, Scope>();

/** Returns a context's scope, opened by the first call. @throws CastoffError `SCOPE_CLOSED` once ended */
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

/** How a context ends. */
export interface ContextEnd {
  readonly hasFailed: boolean;
  /** Called with each removal that continues in the background. */
  readonly onBackgroundRemoval: (removal: BackgroundRemoval) => void;
}

/** Closes the scope of an ended context by the run's settings. @throws CloseError `CLEANUP_FAILED` */
export async function closeContext(
  context: TestContext,
  { client, capture }: AttachedRun,
  { hasFailed, onBackgroundRemoval }: ContextEnd,
): Promise<void> {
  const { cleanup, keep } = client.settings;
  const connections: Socket[] = [];
  const shouldAwaitContainer = async (target: OwnedTarget): Promise<boolean> => {
    const own = await findConnections({ id: target.id, engine: target.engine.address });
    connections.push(...own);
    const isFixed = target.hasFixedNameOrPort === true || capture.hasFixedNameOrPort(target.id);
    return own.length > 0 || isFixed;
  };
  try {
    await findContextScope(context)?.close({
      reason: hasFailed ? 'failed' : 'done',
      onBackgroundRemoval: cleanup === 'background' ? onBackgroundRemoval : undefined,
      // The next test may need its name or port; a connected client fails when its server is removed.
      shouldAwait: (target) =>
        target.kind === 'container' ? shouldAwaitContainer(target) : hasFixedName(target),
      // A stop() that the test did not await would fail without its container.
      beforeRemoval: async (target) => {
        if (target.kind === 'container') await capture.whenQuiet(target.id);
      },
      isKept: () => isKept(keep, hasFailed),
    });
  } finally {
    await waitUntilClosed(connections);
  }
}

/** Returns whether the resources of a context are kept for inspection. */
export function isKept(keep: 'none' | 'failed', hasFailed: boolean): boolean {
  return keep === 'failed' && hasFailed;
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

/**
 * Names that are generated: ids of engines and testcontainers (12 digits for a network, 64 for a volume),
 * Compose projects with testcontainers' prefix, and images built by castoff.
 */
const generated = /^(?:testcontainers-|localhost\/castoff:)?[0-9a-f-]{12,}$/;

/**
 * Whether a resource other than a container has a name that the next test may use again: a network could not
 * be created, and a volume would be reused with its content, and then removed.
 */
export function hasFixedName({ kind, id, name }: Pick<OwnedTarget, 'kind' | 'id' | 'name'>): boolean {
  return kind !== 'container' && !generated.test(name ?? id.replace(/^sha256:/, ''));
}
