import { CastoffError } from '../core/errors';
import { handToSandbox } from '../core/pristine';
import { disableRyuk } from '../core/disable-ryuk';
import { bridgeKey, type Bridge } from '../runner/bridge';
import { openContextScope } from '../runner/context-scopes';
import { TestContext } from '../runner/test-context';
import { currentContext } from '../runner/current-context';
import { replacedError } from './replaced-error';
import type { AttachedRun } from '../runner/attached-run';

/**
 * Installs the bridge on the global object of a sandbox.
 *
 * @param attachedRun - `undefined` if there is no run: then every call of the bridge throws.
 */
export function installBridge(sandbox: object, attachedRun: AttachedRun | undefined): void {
  handToSandbox(sandbox);
  if (attachedRun?.client.coversTestcontainers === true && hasProcess(sandbox)) disableRyuk(sandbox.process);
  const bridge = attachedRun === undefined ? bridgeWithoutRun() : bridgeTo(attachedRun);
  // Frozen, because Jest deletes the properties of a sandbox's objects at the end, and late calls still need
  // their error.
  Object.defineProperty(sandbox, bridgeKey, { value: Object.freeze(bridge), configurable: true });
}

// A sandbox has a copy of `process`, with its own copy of the environment.
function hasProcess(sandbox: object): sandbox is { process: Pick<NodeJS.Process, 'env'> } {
  return 'process' in sandbox && typeof sandbox.process === 'object' && sandbox.process !== null;
}

function bridgeTo(attachedRun: AttachedRun): Bridge {
  return {
    scope() {
      const context = currentContext();
      if (context instanceof TestContext) return openContextScope(context, attachedRun);
      const message =
        context === undefined
          ? 'used outside of a test file; use it in tests, hooks, or at file level'
          : `used in the factory of ${context.what}; use the scope that the factory receives`;
      throw new CastoffError('CONFIG_INVALID', `scope: ${message}`);
    },
    shared: (name, factory, options) => attachedRun.shared.shared(name, factory, options),
    sharedPerWorker: (name, factory, options) => attachedRun.shared.sharedPerWorker(name, factory, options),
  };
}

function bridgeWithoutRun(): Bridge {
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
