import { ownershipLabels } from '../core/labels';
import { connectEngine } from '../engine/connect';
import { chooseReaper } from '../lease/reaper-choice';
import { shareLease } from '../lease/session-lease';
import { sessionIdentity } from '../registry/session-identity';
import type { CloseReport } from '../scope/close-report';
import { openScope } from '../scope/scope';
import type { RunClient } from './run-client';
import type { Session, SessionOptions } from './session';

/**
 * Opens a session that is part of the run of this process. Its `close()` closes its scope, and nothing else
 * of the run.
 *
 * @throws CastoffError as {@link RunClient.ready} does; `ENGINE_UNREACHABLE` for another engine.
 */
export async function openSessionWithin(client: RunClient, options: SessionOptions): Promise<Session> {
  await client.ready();
  const engine = await connectEngine(options.engine);
  const mode = chooseReaper(options.reaper);
  const { id, owner, registry, worker } = sessionIdentity();
  // The run's lease is on one engine. On another, this process keeps a lease until it exits: other workers
  // may have resources of the same session there.
  const isElsewhere = engine !== (await connectEngine());
  const lease = isElsewhere ? await shareLease(mode, { engine, session: id, owner }) : undefined;
  const scope = openScope('session', { engine: options.engine });
  const close = (): Promise<CloseReport> => scope.close();
  return {
    id,
    labels: ownershipLabels({ session: id, owner, worker, createdAt: new Date() }),
    registry,
    scope,
    get reaper() {
      if (isElsewhere) return lease?.reaper;
      return mode === 'off' ? undefined : 'the reaper of the run';
    },
    close,
    async [Symbol.asyncDispose]() {
      await close();
    },
  };
}
