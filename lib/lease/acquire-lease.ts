import { labelNames } from '../core/labels';
import { packageVersion } from '../core/package-version';
import { isCastoffError } from '../core/errors';
import { removeContainer } from '../engine/container-calls';
import { valueOf, type Engine } from '../engine/engine';
import { inspectImage } from '../engine/image-calls';
import { LeaseClient, type LeaseClientOptions } from './client';
import { buildReaperImage } from './image';
import { reaperImageName } from './image-recipe';
import { launchContainer, type LaunchedFor } from './launch-container';
import { connectToHostProcess } from './launch-process';

const { repository, tag } = reaperImageName(packageVersion);
/** The image of this version of castoff. */
export const reaperImage = `${repository}:${tag}`;

/**
 * Takes the session's lease at a container of its own, which is started again whenever it is lost. The image is built where it
 * is missing.
 *
 * @throws CastoffError what the engine or the reaper refuses; nothing is left then.
 */
export async function acquireFromContainer(wanted: LaunchedFor): Promise<LeaseClient> {
  const { engine } = wanted;
  let previous: string | undefined;
  const removePrevious = async (): Promise<void> => {
    if (previous === undefined) return;
    // It may not know yet that it has lost us to a broken connection, and must not reap what is still in use.
    const answer = await removeContainer(engine, previous, { removeVolumes: true });
    if (answer.meaning !== 'gone' && answer.meaning !== 'being-removed') valueOf(answer);
    previous = undefined;
  };
  const client = clientOf(wanted, async () => {
    await removePrevious();
    const launched = await launchContainer(wanted, await findOrBuildImage(engine));
    previous = launched.id;
    return launched;
  });
  try {
    await client.open(sessionClaim(wanted));
    return client;
  } catch (error) {
    // Where that fails, the end of its stdin ends it too.
    await Promise.allSettled([removePrevious()]);
    throw error;
  }
}

/** Its id: the name may be another one's by the time that it is used. */
async function findOrBuildImage(engine: Engine): Promise<string> {
  const look = await inspectImage(engine, reaperImage);
  if (look.meaning !== 'gone') return valueOf(look).id;
  await buildReaperImage(engine);
  return valueOf(await inspectImage(engine, reaperImage)).id;
}

/** How often a host process may be met that ends at that moment, or that refuses. */
const mostMeetings = 3;

/**
 * Takes the session's lease at the host process of this user and engine, which is started where none runs.
 *
 * @throws CastoffError `REAPER_UNAVAILABLE` when it cannot be started, `REAPER_PROTOCOL` when it refuses.
 */
export async function acquireFromProcess(wanted: LaunchedFor): Promise<LeaseClient> {
  let refusedAt: string | undefined;
  for (let meeting = 1; ; meeting += 1) {
    let metAt: string | undefined;
    const client = clientOf(wanted, async () => {
      const connection = await connectToHostProcess(wanted.engine, refusedAt);
      metAt = connection.socket;
      return connection;
    });
    try {
      await client.open(sessionClaim(wanted));
      return client;
    } catch (error) {
      if (!isCastoffError(error, 'REAPER_PROTOCOL') || meeting === mostMeetings) throw error;
      refusedAt = metAt;
    }
  }
}

function clientOf({ session, owner }: LaunchedFor, connect: LeaseClientOptions['connect']): LeaseClient {
  return new LeaseClient({ hello: { version: packageVersion, session, owner }, connect });
}

function sessionClaim({ session }: LaunchedFor): readonly string[] {
  return [`${labelNames.session}=${session}`];
}
