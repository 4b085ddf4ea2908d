import { processWide } from '../core/global-state';
import type { HandleWatch } from '../diagnosis/handle-watch';
import type { Capture } from '../capture/capture';
import type { Registry } from '../registry/registry';
import type { RunClient } from '../session/run-client';
import { watchSockets } from './open-sockets';
import { currentDefinition, currentTestFile, currentAttribution } from './current-context';
import { watchHandles } from './handles';
import type { SharedResources } from './shared-resources';
import { loadLate } from './load-late';
import { readRunVariable } from './run-variables';

/** The run as seen by this process, which is a worker or the runner's main process. */
export interface AttachedRun {
  readonly client: RunClient;
  readonly registry: Registry;
  readonly capture: Capture;
  readonly unwatchSockets: () => void;
  /** The watch of what this process opens; `undefined` when handles are not judged. */
  readonly handles: HandleWatch | undefined;
  /** The shared resources that this process uses. */
  readonly shared: SharedResources;
}

/** What is known of the code that calls castoff in the runner's main process. */
export interface CallingCode {
  /** Returns whether it does not belong to the run. */
  readonly isOutside?: (() => boolean) | undefined;
  /** Returns whether a global setup or teardown of the run started it. */
  readonly isOfRun?: (() => boolean) | undefined;
  /** Whether what it opens is recorded: handles of test files and of global setups. Default true. */
  readonly isWatched?: boolean | undefined;
}

interface JoinedRun {
  /** Address of the run's server. */
  readonly address: string;
  readonly attachedRun: Promise<AttachedRun>;
}

const slot = (): { joined?: JoinedRun | undefined } =>
  processWide('attached run', (): { joined?: JoinedRun } => ({}));

/** Joins the run that castoff's setup opened, if any. The test files of a worker share its connection. */
export async function joinCurrentRun(): Promise<AttachedRun | undefined> {
  const address = readRunVariable('CASTOFF_RUN');
  if (address === undefined) return undefined;
  const { joined } = slot();
  if (joined?.address === address) return joined.attachedRun;
  const { joinRun } = loadLate.joinRun();
  return store(
    address,
    joinRun(address).then((client) => startAttachedRun(client)),
  );
}

/**
 * Attaches the run's own process to the run, with its test files. Also returns a function that detaches it.
 *
 * @param calledBy - The code that calls.
 */
export function attachRun(
  address: string,
  client: RunClient,
  calledBy?: CallingCode,
): { attachedRun: AttachedRun; detach: () => void } {
  const attachedRun = startAttachedRun(client, calledBy);
  void store(address, Promise.resolve(attachedRun));
  const detach = (): void => {
    attachedRun.capture.stop();
    attachedRun.unwatchSockets();
    if (slot().joined?.address === address) slot().joined = undefined;
  };
  return { attachedRun, detach };
}

async function store(address: string, attachedRun: Promise<AttachedRun>): Promise<AttachedRun> {
  const joined = { address, attachedRun };
  slot().joined = joined;
  try {
    return await attachedRun;
  } catch (error) {
    if (slot().joined === joined) slot().joined = undefined;
    throw error;
  }
}

function startAttachedRun(
  client: RunClient,
  { isOutside, isOfRun, isWatched: mayWatch = true }: CallingCode = {},
): AttachedRun {
  const { sessionIdentity } = loadLate.sessionIdentity();
  const { startCapture } = loadLate.startCapture();
  const { registry } = sessionIdentity();
  const unwatchSockets = watchSockets();
  const capture = startCapture({
    session: client.session,
    registry,
    attribution: () => (isOutside?.() === true ? undefined : currentAttribution(client)),
    testFile: currentTestFile,
    testDefinition: currentDefinition,
    ready: () => client.ready(),
    holdRun: () => client.hold?.(),
    claim: (labels, bounds) => client.claim(labels, bounds),
    release: (labels, bounds) => client.release(labels, bounds),
    reportUnlabelled: (creation) => client.reportUnlabelled(creation),
  });
  const isWatched = mayWatch && client.settings.handles !== 'off';
  const handles = isWatched ? watchHandles(() => isOfRun?.() === true, registry) : undefined;
  let shared: SharedResources | undefined;
  return {
    client,
    registry,
    capture,
    unwatchSockets,
    handles,
    get shared() {
      return (shared ??= new (loadLate.sharedResources().SharedResources)(client));
    },
  };
}
