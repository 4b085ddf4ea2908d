import { labelNames } from '../core/labels';
import { packageVersion } from '../core/package-version';
import { isCastoffError } from '../core/errors';
import { removeContainer } from '../engine/container-calls';
import { valueOf, type Engine } from '../engine/engine';
import { inspectImage } from '../engine/image-calls';
import { LeaseClient, type LeaseClientOptions } from './client';
import { reaperImage } from './image-recipe';
import { launchContainer, type LeaseRequest } from './launch-container';
import { connectToHostProcess } from './launch-process';
import { connectToReaper, leaseRefused } from './connect-to-reaper';
import type { ReaperAddress } from './reaper-address';
import { openReaperConnection, type ReaperConnection } from './reaper-connection';

/**
 * Takes the session's lease from its own reaper container, which is replaced whenever it is lost. Builds the
 * image if it is missing.
 *
 * @throws EngineError when the engine refuses; CastoffError `REAPER_PROTOCOL` when the reaper does. Leaves
 * nothing on the engine then.
 */
export async function acquireFromContainer(request: LeaseRequest): Promise<LeaseClient> {
  const { engine } = request;
  let previous: string | undefined;
  const removePrevious = async (): Promise<void> => {
    if (previous === undefined) return;
    // It may not have noticed the broken connection yet, and must not reap resources that are still in use.
    const answer = await removeContainer(engine, previous, { removeVolumes: true });
    if (answer.meaning !== 'gone' && answer.meaning !== 'being-removed') valueOf(answer);
    previous = undefined;
  };
  const client = clientOf(request, async () => {
    await removePrevious();
    const launched = await launchContainer(request, await findOrBuildImage(engine));
    previous = launched.id;
    return launched;
  });
  try {
    await client.open(sessionClaim(request));
    return client;
  } catch (error) {
    // If the removal fails, the reaper still exits at the end of its stdin.
    await Promise.allSettled([removePrevious()]);
    throw error;
  }
}

/** Resolves to the image's id: its name may move to another image before it is used. */
async function findOrBuildImage(engine: Engine): Promise<string> {
  const inspected = await inspectImage(engine, reaperImage);
  if (inspected.meaning !== 'gone') return valueOf(inspected).id;
  // Loaded on first use: the engine usually has the image.
  const { buildReaperImage } = await import('./image.ts');
  await buildReaperImage(engine);
  return valueOf(await inspectImage(engine, reaperImage)).id;
}

/** Allows for host processes that exit at that moment, or that refuse. */
const maxAttempts = 3;

/**
 * Takes the session's lease from the host process of this user and engine, and starts one if none runs.
 *
 * @throws CastoffError `REAPER_UNAVAILABLE` when it cannot be started, `REAPER_PROTOCOL` when it refuses.
 */
export async function acquireFromProcess(request: LeaseRequest): Promise<LeaseClient> {
  let refusedAt: string | undefined;
  for (let attempt = 1; ; attempt += 1) {
    let connectedTo: string | undefined;
    const client = clientOf(request, async () => {
      const connection = await connectToHostProcess(request.engine, refusedAt);
      connectedTo = connection.socket;
      return connection;
    });
    try {
      await client.open(sessionClaim(request));
      return client;
    } catch (error) {
      if (!isCastoffError(error, 'REAPER_PROTOCOL') || attempt === maxAttempts) throw error;
      refusedAt = connectedTo;
    }
  }
}

/**
 * Takes the session's lease from a reaper that runs already. A lost lease is taken again there.
 *
 * @throws CastoffError `REAPER_UNAVAILABLE` when it cannot be reached, or refuses.
 */
export async function acquireFromAddress(reaper: ReaperAddress, request: LeaseRequest): Promise<LeaseClient> {
  const connect = async (): Promise<ReaperConnection> =>
    openReaperConnection(await connectToReaper(reaper), `the reaper at ${reaper.address}`);
  const client = clientOf(request, connect, reaper.token);
  try {
    await client.open(sessionClaim(request));
    return client;
  } catch (cause) {
    throw leaseRefused(reaper, cause);
  }
}

function clientOf(
  { session, owner }: LeaseRequest,
  connect: LeaseClientOptions['connect'],
  token?: string,
): LeaseClient {
  return new LeaseClient({ hello: { version: packageVersion, session, owner, token }, connect });
}

function sessionClaim({ session }: LeaseRequest): readonly string[] {
  return [`${labelNames.session}=${session}`];
}
