import { AsyncLocalStorage } from 'node:async_hooks';
import { CastoffError } from '../core/errors';
import { processWide } from '../core/global-state';
import type { Scope } from '../scope/scope';
import type { Run } from '../session/current-run';
import { bridgeKey, type Bridge } from '../runner/bridge';
import { loadLate } from '../runner/load-late';
import { currentContext } from '../runner/current-context';
import { attachRun, type AttachedRun } from '../runner/attached-run';
import { dropConnectionsTo } from '../runner/connections';

interface OwnHooks {
  readonly storage: AsyncLocalStorage<true>;
  running: number;
}

const ownHooks = (): OwnHooks =>
  processWide('jest own hooks', () => ({ storage: new AsyncLocalStorage<true>(), running: 0 }));

/** Runs a user's hook. Everything that it creates, then or later, belongs to the run. */
export async function withinOwnHook(hook: () => Promise<void>): Promise<void> {
  const own = ownHooks();
  own.running += 1;
  try {
    await own.storage.run(true, hook);
  } finally {
    own.running -= 1;
  }
}

/**
 * Returns whether the calling code is a hook that Jest runs without castoff. Its teardown may run after the
 * run has ended.
 */
function isOutside(): boolean {
  const { storage, running } = ownHooks();
  return running === 0 && storage.getStore() === undefined && currentContext() === undefined;
}

/**
 * Attaches Jest's main process to the run: everything that global setups create belongs to the run.
 *
 * Returns a function that closes the scope of the global setups and detaches the process.
 *
 * @param options.hasOutsideHooks - Whether Jest runs hooks without castoff, whose resources are not captured.
 */
export function attachMainProcess(
  run: Run,
  { hasOutsideHooks }: { hasOutsideHooks: boolean },
): () => Promise<void> {
  const { attachedRun, detach } = attachRun(run.address, run, hasOutsideHooks ? isOutside : undefined);
  let scope: Scope | undefined;
  const bridge: Bridge = {
    scope: () => (scope ??= openRunScope(run)),
    shared: (name, factory, options) => attachedRun.shared.shared(name, factory, options),
    sharedPerWorker: async (name) => {
      throw new CastoffError(
        'CONFIG_INVALID',
        `sharedPerWorker ${name}: a global setup does not run in a worker; use shared`,
      );
    },
  };
  Object.defineProperty(globalThis, bridgeKey, { value: bridge, configurable: true });
  return async () => {
    try {
      // Those of test files that ran in this process, too.
      await dropConnectionsTo(attachedRun.registry.list({ kind: 'container', state: 'present' }));
      await scope?.close();
      await settleSetupResources(attachedRun);
    } finally {
      detach();
      Reflect.deleteProperty(globalThis, bridgeKey);
    }
  };
}

/** Records which resources of the global setup the global teardown has removed. */
async function settleSetupResources({ capture, registry }: AttachedRun): Promise<void> {
  const survivors = await capture.findSurvivors(({ owner }) => owner.scope === 'run');
  // The end of the run inspects them again, and they are not leaks.
  for (const { key, id, state } of survivors)
    if (state === 'unknown')
      registry.update(key, { state: id === undefined ? 'registered' : 'present', failure: undefined });
}

function openRunScope(run: Run): Scope {
  const { openScope } = loadLate.scope();
  return openScope('run', { ready: () => run.ready() });
}
