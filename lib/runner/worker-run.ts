import { processWide } from '../core/global-state';
import type { Capture } from '../capture/capture';
import type { Registry } from '../registry/registry';
import type { RunClient } from '../session/run-client';
import { currentDefinition, currentTestFile, currentAttribution } from './current-context';
import { SharedResources } from './shared-resources';
import { loadLate } from './load-late';

/** The run as seen by this process, which is a worker or Jest's main process. */
export interface WorkerRun {
  readonly client: RunClient;
  readonly registry: Registry;
  readonly capture: Capture;
  readonly shared: SharedResources;
}

interface JoinedRun {
  /** Address of the run's server. */
  readonly address: string;
  readonly workerRun: Promise<WorkerRun>;
}

const slot = (): { joined?: JoinedRun | undefined } =>
  processWide('jest run', (): { joined?: JoinedRun } => ({}));

/**
 * Joins the run that castoff's setup opened. The first test file of a worker joins, and later files share its
 * connection.
 *
 * Resolves to `undefined` if there is no run.
 */
export async function joinCurrentRun(): Promise<WorkerRun | undefined> {
  const address = process.env['CASTOFF_RUN'];
  if (address === undefined || address === '') return undefined;
  const { joined } = slot();
  if (joined?.address === address) return joined.workerRun;
  const { joinRun } = loadLate.joinRun();
  return store(
    address,
    joinRun(address).then((client) => startWorkerRun(client)),
  );
}

/**
 * Attaches the run's own process to the run. Test files that run in this process share the connection.
 *
 * Returns the attached run, and a function that detaches it.
 *
 * @param isOutside - Returns whether the calling code does not belong to the run.
 */
export function attachRun(
  address: string,
  client: RunClient,
  isOutside?: () => boolean,
): { workerRun: WorkerRun; detach: () => void } {
  const workerRun = startWorkerRun(client, isOutside);
  void store(address, Promise.resolve(workerRun));
  const detach = (): void => {
    workerRun.capture.stop();
    if (slot().joined?.address === address) slot().joined = undefined;
  };
  return { workerRun, detach };
}

async function store(address: string, workerRun: Promise<WorkerRun>): Promise<WorkerRun> {
  const joined = { address, workerRun };
  slot().joined = joined;
  try {
    return await workerRun;
  } catch (error) {
    if (slot().joined === joined) slot().joined = undefined;
    throw error;
  }
}

function startWorkerRun(client: RunClient, isOutside: () => boolean = () => false): WorkerRun {
  const { sessionIdentity } = loadLate.sessionIdentity();
  const { startCapture } = loadLate.startCapture();
  const { registry } = sessionIdentity();
  const capture = startCapture({
    session: client.session,
    registry,
    attribution: () => (isOutside() ? undefined : currentAttribution(client)),
    testFile: currentTestFile,
    testDefinition: currentDefinition,
    ready: () => client.ready(),
    holdRun: () => client.hold?.(),
    claim: (labels, bounds) => client.claim(labels, bounds),
    release: (labels, bounds) => client.release(labels, bounds),
    reportUnlabelled: (creation) => client.reportUnlabelled(creation),
  });
  return { client, registry, capture, shared: new SharedResources(client) };
}
