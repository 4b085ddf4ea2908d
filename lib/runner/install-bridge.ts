import { disableRyuk } from '../core/disable-ryuk';
import { shareSet } from '../core/global-state';
import { handToSandbox } from '../core/pristine';
import { shareHistory } from '../durations/duration-history';
import type { AttachedRun } from './attached-run';
import { bridgeKey, type Bridge } from './bridge';
import { createFileBridge } from './file-bridge';
import { removeRunVariables } from './run-variables';

/**
 * Installs the bridge on the global object that test files run in: a sandbox, or that of the process.
 *
 * @param refuse - Without a run, throws the error of every call of the bridge.
 */
export function installBridge(
  sandbox: object,
  attachedRun: AttachedRun | undefined,
  refuse: () => never,
): void {
  if (sandbox !== globalThis) shareWithSandbox(sandbox, attachedRun);
  const bridge = attachedRun === undefined ? bridgeWithoutRun(refuse) : createFileBridge(attachedRun);
  // Frozen: Jest deletes properties of a sandbox's objects at the end, and late calls still need their error.
  Object.defineProperty(sandbox, bridgeKey, { value: Object.freeze(bridge), configurable: true });
}

function shareWithSandbox(sandbox: object, attachedRun: AttachedRun | undefined): void {
  handToSandbox(sandbox);
  shareHistory(sandbox);
  // The finding of a test that timed out lists those of scopes that the test has opened itself, too.
  shareSet('finalizers under way', sandbox);
  if (!hasOwnProcess(sandbox)) return;
  removeRunVariables(sandbox.process.env);
  if (attachedRun?.client.coversTestcontainers === true) disableRyuk(sandbox.process);
}

// A sandbox of Jest has a copy of `process`, with its own copy of the environment.
function hasOwnProcess(sandbox: object): sandbox is { process: Pick<NodeJS.Process, 'env'> } {
  const { process: own } = sandbox as { readonly process?: unknown };
  return typeof own === 'object' && own !== null && own !== process;
}

function bridgeWithoutRun(refuse: () => never): Bridge {
  return { scope: refuse, shared: async () => refuse(), sharedPerWorker: async () => refuse() };
}
