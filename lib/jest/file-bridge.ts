import { CastoffError } from '../core/errors';
import { handToSandbox } from '../core/pristine';
import { disableRyuk } from '../core/disable-ryuk';
import { bridgeKey, type Bridge } from '../runner/bridge';
import { contextScope } from '../runner/context-scopes';
import { TestContext } from '../runner/test-context';
import { currentContext } from '../runner/current-context';
import { replacedError } from './replaced-error';
import type { WorkerRunState } from '../runner/worker-run';

/**
 * Puts the way out of a sandbox on its global object.
 *
 * @param here - `undefined`: there is no run, and whoever uses it is told so.
 */
export function installBridge(sandbox: object, here: WorkerRunState | undefined): void {
  handToSandbox(sandbox);
  if (here?.link.coversTestcontainers === true && hasProcess(sandbox)) disableRyuk(sandbox.process);
  const bridge = here === undefined ? bridgeToNowhere() : bridgeTo(here);
  // Frozen: Jest deletes at the end what the objects of a sandbox have, and what comes late is to be told the reason.
  Object.defineProperty(sandbox, bridgeKey, { value: Object.freeze(bridge), configurable: true });
}

// Its process is a copy, and so is the environment in that.
function hasProcess(sandbox: object): sandbox is { process: Pick<NodeJS.Process, 'env'> } {
  return 'process' in sandbox && typeof sandbox.process === 'object' && sandbox.process !== null;
}

function bridgeTo(here: WorkerRunState): Bridge {
  return {
    scope() {
      const position = currentContext();
      if (position instanceof TestContext) return contextScope(position, here);
      const where = position === undefined ? 'outside of a test file' : `in the factory of ${position.what}`;
      const instead =
        position === undefined
          ? 'use it in tests, their hooks, or at file level'
          : 'use the one that it is given';
      throw new CastoffError('CONFIG_INVALID', `scope: it was asked for ${where}; ${instead}`);
    },
    shared: (name, factory, options) => here.shared.shared(name, factory, options),
    sharedPerWorker: (name, factory, options) => here.shared.sharedPerWorker(name, factory, options),
  };
}

function bridgeToNowhere(): Bridge {
  return {
    scope() {
      throw replacedError('setup', 'globalSetup');
    },
    shared: async () => {
      throw replacedError('setup', 'globalSetup');
    },
    sharedPerWorker: async () => {
      throw replacedError('setup', 'globalSetup');
    },
  };
}
