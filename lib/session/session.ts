import { ownershipLabels } from '../core/labels';
import { connectEngine } from '../engine/connect';
import { followEngine } from '../registry/follow';
import type { Registry } from '../registry/registry';
import { sessionIdentity } from '../registry/session-identity';
import type { CloseReport } from '../scope/close-report';
import { openScope, type Scope } from '../scope/scope';

export interface SessionOptions {
  /** The engine's address, as `DOCKER_HOST` spells it. Default: the one that the environment names. */
  readonly engine?: string | undefined;
}

/** One run: who it is to the engine, what it has there, and the scope that all of it ends with. */
export interface Session extends AsyncDisposable {
  readonly id: string;
  /** What everything that the session creates is labelled with. */
  readonly labels: Readonly<Record<string, string>>;
  readonly registry: Registry;
  readonly scope: Scope;
  /** Closes the scope and stops watching the engine. Closes once; every caller gets the same. */
  close(): Promise<CloseReport>;
}

/**
 * Opens a session: sees that the engine answers, and follows it, so that the registry also knows of what others remove.
 *
 * @throws CastoffError `ENGINE_UNREACHABLE`, `CONFIG_INVALID`.
 */
export async function openSession(options: SessionOptions = {}): Promise<Session> {
  const engine = await connectEngine(options.engine);
  const { id, owner, registry } = sessionIdentity();
  const scope = openScope('session', { engine: options.engine });
  const following = followEngine(registry, engine);
  let closing: Promise<CloseReport> | undefined;
  const end = async (): Promise<CloseReport> => {
    try {
      return await scope.close();
    } finally {
      await following.close();
    }
  };
  const close = (): Promise<CloseReport> => (closing ??= end());
  return {
    id,
    labels: ownershipLabels({ session: id, owner, createdAt: new Date() }),
    registry,
    scope,
    close,
    async [Symbol.asyncDispose]() {
      await close();
    },
  };
}
