import { disableRyuk } from '../core/disable-ryuk';
import { shareSet } from '../core/global-state';
import { handToSandbox } from '../core/pristine';
import { shareHistory } from '../durations/duration-history';
import type { AttachedRun } from '../runner/attached-run';
import { bridgeKey, type Bridge } from '../runner/bridge';
import { createFileBridge } from '../runner/file-bridge';
import { removeRunVariables } from '../runner/run-variables';
import { replacedError } from './replaced-error';

/** Installs the bridge on the global object of a sandbox. Without a run, every call of it throws. */
export function installBridge(sandbox: object, attachedRun: AttachedRun | undefined): void {
  handToSandbox(sandbox);
  shareHistory(sandbox);
  // The finding of a test that timed out lists those of scopes that the test has opened itself, too.
  shareSet('finalizers under way', sandbox);
  if (hasProcess(sandbox)) {
    removeRunVariables(sandbox.process.env);
    if (attachedRun?.client.coversTestcontainers === true) disableRyuk(sandbox.process);
  }
  const bridge = attachedRun === undefined ? bridgeWithoutRun : createFileBridge(attachedRun);
  // Frozen: Jest deletes properties of a sandbox's objects at the end, and late calls still need their error.
  Object.defineProperty(sandbox, bridgeKey, { value: Object.freeze(bridge), configurable: true });
}

// A sandbox has a copy of `process`, with its own copy of the environment.
function hasProcess(sandbox: object): sandbox is { process: Pick<NodeJS.Process, 'env'> } {
  return 'process' in sandbox && typeof sandbox.process === 'object' && sandbox.process !== null;
}

const refuse = (): never => {
  throw replacedError('setup', 'globalSetup');
};
const bridgeWithoutRun: Bridge = {
  scope: refuse,
  shared: async () => refuse(),
  sharedPerWorker: async () => refuse(),
};
