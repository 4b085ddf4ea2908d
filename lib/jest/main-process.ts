import { AsyncLocalStorage } from 'node:async_hooks';
import { CastoffError } from '../core/errors';
import { processWide } from '../core/global-state';
import type { Scope } from '../scope/scope';
import type { Run } from '../session/current-run';
import { bridgeKey, type Bridge } from '../runner/bridge';
import { loadLate } from '../runner/load-late';
import { currentContext } from '../runner/current-context';
import { attachRun, type WorkerRunState } from '../runner/worker-run';

interface OwnHooks {
  readonly storage: AsyncLocalStorage<true>;
  running: number;
}

const ownHooks = (): OwnHooks =>
  processWide('jest own hooks', () => ({ storage: new AsyncLocalStorage<true>(), running: 0 }));

/** Runs a user's hook that castoff calls: what it creates, also later on, is the run's. */
export async function withinOwnHook(hook: () => Promise<void>): Promise<void> {
  const own = ownHooks();
  own.running += 1;
  try {
    await own.storage.run(true, hook);
  } finally {
    own.running -= 1;
  }
}

/** Code of this process that castoff has not called: other hooks, whose teardown may come after the run's end. */
function isOutside(): boolean {
  const { storage, running } = ownHooks();
  return running === 0 && storage.getStore() === undefined && currentContext() === undefined;
}

/**
 * Lets the run's own process, in which global setups run, be a part of the run: what they create, with `castoff/jest` or without,
 * is the run's. Returns what ends that: it closes the scope that they had.
 *
 * @param options.hasOutsideHooks - Jest runs hooks here that castoff does not call: what they create is left alone.
 */
export function enterMain(run: Run, { hasOutsideHooks }: { hasOutsideHooks: boolean }): () => Promise<void> {
  const { here, end } = attachRun(run.address, run, hasOutsideHooks ? isOutside : undefined);
  let scope: Scope | undefined;
  const bridge: Bridge = {
    scope: () => (scope ??= openRunScope(run)),
    shared: (name, factory, options) => here.shared.shared(name, factory, options),
    sharedPerWorker: async (name) => {
      throw new CastoffError(
        'CONFIG_INVALID',
        `sharedPerWorker ${name}: a global setup runs in no worker; use shared`,
      );
    },
  };
  Object.defineProperty(globalThis, bridgeKey, { value: bridge, configurable: true });
  return async () => {
    try {
      await scope?.close();
      await settleOwn(here);
    } finally {
      end();
      Reflect.deleteProperty(globalThis, bridgeKey);
    }
  };
}

/** What the user's own teardown has removed of what the own setup created is known to have existed, then. */
async function settleOwn({ watch, registry }: WorkerRunState): Promise<void> {
  const there = await watch.findSurvivors(({ owner }) => owner.scope === 'run');
  // Not looked at when an owner had ended: what the run's end finds of it says nothing of a leak.
  for (const { key, id, state } of there)
    if (state === 'unknown')
      registry.update(key, { state: id === undefined ? 'registered' : 'present', failure: undefined });
}

function openRunScope(run: Run): Scope {
  const { openScope } = loadLate.scope();
  return openScope('run', { ready: () => run.ready() });
}
