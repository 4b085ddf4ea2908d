import { processWide } from '../core/global-state';
import type { Capture } from '../capture/capture';
import type { Registry } from '../registry/registry';
import type { RunClient } from '../session/run-client';
import { currentDefinition, currentTestFile, currentAttribution } from './current-context';
import { SharedResources } from './shared-resources';
import { loadLate } from './load-late';

/** What this process, a worker or Jest's own, has of the run. */
export interface WorkerRunState {
  readonly link: RunClient;
  readonly registry: Registry;
  readonly watch: Capture;
  readonly shared: SharedResources;
}

interface Held {
  /** That of the run's line. */
  readonly address: string;
  readonly here: Promise<WorkerRunState>;
}

const slot = (): { held?: Held | undefined } => processWide('jest run', (): { held?: Held } => ({}));

/**
 * The run that castoff's setup has opened: joined by the first test file of a worker, and kept for those that follow. `undefined`
 * where there is none.
 */
export async function joinCurrentRun(): Promise<WorkerRunState | undefined> {
  const address = process.env['CASTOFF_RUN'];
  if (address === undefined || address === '') return undefined;
  const { held } = slot();
  if (held?.address === address) return held.here;
  const { joinRun } = loadLate.workerLine();
  return hold(
    address,
    joinRun(address).then((link) => openRunHere(link)),
  );
}

/**
 * Makes this process the run's own: what test files find here when they run in it, too. Returns what ends that.
 *
 * @param isOutside - Whether the calling code does not belong to the run.
 */
export function attachRun(
  address: string,
  link: RunClient,
  isOutside?: () => boolean,
): { here: WorkerRunState; end: () => void } {
  const here = openRunHere(link, isOutside);
  void hold(address, Promise.resolve(here));
  const end = (): void => {
    here.watch.stop();
    if (slot().held?.address === address) slot().held = undefined;
  };
  return { here, end };
}

async function hold(address: string, here: Promise<WorkerRunState>): Promise<WorkerRunState> {
  const held = { address, here };
  slot().held = held;
  try {
    return await here;
  } catch (error) {
    if (slot().held === held) slot().held = undefined;
    throw error;
  }
}

function openRunHere(link: RunClient, isOutside: () => boolean = () => false): WorkerRunState {
  const { sessionIdentity } = loadLate.sessionIdentity();
  const { startCapture } = loadLate.rawWatch();
  const { registry } = sessionIdentity();
  const watch = startCapture({
    session: link.session,
    registry,
    attribution: () => (isOutside() ? undefined : currentAttribution(link)),
    testFile: currentTestFile,
    testDefinition: currentDefinition,
    ready: () => link.ready(),
    holdRun: () => link.hold?.(),
    claim: (labels, bounds) => link.claim(labels, bounds),
    release: (labels, bounds) => link.release(labels, bounds),
    reportUnlabelled: (creation) => link.noteUnwatched(creation),
  });
  return { link, registry, watch, shared: new SharedResources(link) };
}
