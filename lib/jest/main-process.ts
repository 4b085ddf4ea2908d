import { CastoffError } from '../core/errors';
import type { Scope } from '../scope/scope';
import type { Run } from '../session/run-slot';
import { bridgeKey, type Bridge } from './bridge';
import { holdRun } from './run-here';
import { loadLate } from './load-late';

/**
 * Lets the run's own process, in which global setups run, be a part of the run: what they create, with `castoff/jest` or without,
 * is the run's. Returns what ends that: it closes the scope that they had.
 */
export function enterMain(run: Run): () => Promise<void> {
  const { here, end } = holdRun(run.address, run);
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
    } finally {
      end();
      Reflect.deleteProperty(globalThis, bridgeKey);
    }
  };
}

function openRunScope(run: Run): Scope {
  const { openScope } = loadLate.scope();
  return openScope('run', { ready: () => run.ready() });
}
