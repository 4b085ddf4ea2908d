import { CastoffError, messageOf } from '../core/errors';
import { inspectImage } from '../engine/image-calls';
import { readOwnContainerId } from '../registry/own-container';
import type { LeaseClient } from './client';
import type { LaunchedFor } from './launch-container';
import type { ReaperChoice } from './reaper-choice';
import { note, warn, warnOnce } from './warnings';
import { reaperImage, acquireFromProcess, acquireFromContainer } from './acquire-lease';

/**
 * Takes the lease on `castoff.session=<id>`, at a reaper that is run as `mode` says. Held when it resolves; `undefined`: there
 * is no reaper, and a warning has said so.
 *
 * @throws CastoffError `REAPER_UNAVAILABLE` when `mode` names a way and it does not work. `auto` throws nothing: nobody's tests
 * are to die because a reaper cannot start.
 */
export async function takeLease(mode: ReaperChoice, wanted: LaunchedFor): Promise<LeaseClient | undefined> {
  switch (mode) {
    case 'off':
      warnOnce('CASTOFF_REAPER_OFF', `session ${wanted.session} has no reaper, as asked for; ${consequence}`);
      return undefined;
    case 'container':
    case 'process':
      return takeIn(mode, wanted);
    case 'auto':
      return takeInEither(wanted);
  }
}

const consequence = 'what a crash leaves stays until the next sweep';
const leaseIn = { container: acquireFromContainer, process: acquireFromProcess };

async function takeIn(way: 'container' | 'process', wanted: LaunchedFor): Promise<LeaseClient> {
  try {
    return await leaseIn[way](wanted);
  } catch (cause) {
    throw new CastoffError(
      'REAPER_UNAVAILABLE',
      `start a reaper (${way}) for ${wanted.engine.address}: ${messageOf(cause)}; try the other way, reaper: ` +
        `'${way === 'container' ? 'process' : 'container'}', or 'auto', which goes on without one`,
      { cause },
    );
  }
}

/** The engine kills all processes of a container at once. */
function warnInContainer(reaper: string): void {
  if (readOwnContainerId() === undefined) return;
  warnOnce(
    'CASTOFF_REAPER_IN_CONTAINER',
    `the reaper is ${reaper}, in the container that this process runs in: when the container ends, ${consequence}; ` +
      'with its image on the engine (npx castoff reaper image) the reaper is a container of its own',
  );
}

// An image that is not there is not built here: nobody who opens a session asked for a new image on their engine.
async function takeInEither(wanted: LaunchedFor): Promise<LeaseClient | undefined> {
  const { engine, session } = wanted;
  const failures: string[] = [];
  const look = await inspectImage(engine, reaperImage);
  if (look.meaning === 'done') {
    try {
      const client = await acquireFromContainer(wanted);
      note(`the reaper runs as ${client.reaper}: ${reaperImage} is on ${engine.address}`);
      return client;
    } catch (error) {
      failures.push(`as a container: ${messageOf(error)}`);
    }
  }
  try {
    const client = await acquireFromProcess(wanted);
    warnInContainer(client.reaper);
    const [failure] = failures;
    if (failure !== undefined)
      warn('CASTOFF_REAPER_DOWNGRADED', `the reaper is ${client.reaper}; ${failure}`);
    else
      note(
        `the reaper is ${client.reaper}: ${reaperImage} is not on ${engine.address}; npx castoff reaper image builds it`,
      );
    return client;
  } catch (error) {
    failures.push(`as a process: ${messageOf(error)}`);
    warnOnce(
      'CASTOFF_REAPER_MISSING',
      `session ${session} goes on without a reaper, and ${consequence}; tried: ${failures.join('; ')}`,
    );
    return undefined;
  }
}
