import { CastoffError, messageOf } from '../core/errors';
import { logDebug } from '../core/print';
import { warn, warnOnce } from '../core/warnings';
import { inspectImage } from '../engine/image-calls';
import { readOwnContainerId } from '../registry/own-container';
import type { LeaseClient } from './client';
import type { LeaseRequest } from './launch-container';
import type { ReaperChoice } from './reaper-choice';
import type { ReaperAddress } from './reaper-address';
import { acquireFromAddress, acquireFromContainer, acquireFromProcess } from './acquire-lease';
import { reaperImage } from './image-recipe';

/**
 * Takes the lease on `castoff.session=<id>`, from the reaper that `mode` selects.
 *
 * Resolves when the lease is held; to `undefined` after a warning when there is no reaper.
 *
 * @throws CastoffError `REAPER_UNAVAILABLE` when `mode` is `container` or `process`, and that reaper does not
 * start, or `mode` is an address and no reaper accepts the lease there. `auto` never throws: a missing reaper
 * is no reason to fail tests.
 */
export async function takeLease(
  mode: ReaperChoice | ReaperAddress,
  request: LeaseRequest,
): Promise<LeaseClient | undefined> {
  if (typeof mode === 'object') return acquireFromAddress(mode, request);
  switch (mode) {
    case 'off':
      warnOnce('CASTOFF_REAPER_OFF', `session ${request.session} has its reaper turned off: ${consequence}`);
      return undefined;
    case 'container':
    case 'process':
      return acquire(mode, request);
    case 'auto':
      return acquireFromEither(request);
  }
}

const consequence = 'resources left by a crash stay until the next sweep';
const acquirers = { container: acquireFromContainer, process: acquireFromProcess };

async function acquire(kind: 'container' | 'process', request: LeaseRequest): Promise<LeaseClient> {
  try {
    return await acquirers[kind](request);
  } catch (cause) {
    throw new CastoffError(
      'REAPER_UNAVAILABLE',
      `start a reaper (${kind}) for ${request.engine.address}: ${messageOf(cause)}; try ` +
        `reaper: '${kind === 'container' ? 'process' : 'container'}', or 'auto', which continues without one`,
      { cause },
    );
  }
}

/** When a container ends, the engine kills all of its processes at once. */
function warnInContainer(reaper: string): void {
  if (readOwnContainerId() === undefined) return;
  warnOnce(
    'CASTOFF_REAPER_IN_CONTAINER',
    `the reaper is ${reaper}, inside the container of this process, and ends with it: ${consequence}; ` +
      'run npx castoff reaper image once, so that the reaper gets its own container',
  );
}

// A missing image is not built here: opening a session must not add an image to the user's engine.
async function acquireFromEither(request: LeaseRequest): Promise<LeaseClient | undefined> {
  const { engine, session } = request;
  const failures: string[] = [];
  const inspected = await inspectImage(engine, reaperImage);
  if (inspected.meaning === 'done') {
    try {
      const client = await acquireFromContainer(request);
      logDebug(`the reaper runs as ${client.reaper}: ${reaperImage} is on ${engine.address}`);
      return client;
    } catch (error) {
      failures.push(`as a container: ${messageOf(error)}`);
    }
  }
  try {
    const client = await acquireFromProcess(request);
    warnInContainer(client.reaper);
    const [failure] = failures;
    if (failure !== undefined)
      warn('CASTOFF_REAPER_DOWNGRADED', `the reaper is ${client.reaper}; ${failure}`);
    else
      logDebug(
        `the reaper is ${client.reaper}: ${reaperImage} is not on ${engine.address}; npx castoff reaper image builds it`,
      );
    return client;
  } catch (error) {
    failures.push(`as a process: ${messageOf(error)}`);
    warnOnce(
      'CASTOFF_REAPER_MISSING',
      `session ${session} continues without a reaper: ${consequence}; tried: ${failures.join('; ')}`,
    );
    return undefined;
  }
}
