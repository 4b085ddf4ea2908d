import { join } from 'node:path';
import { processWide } from '../core/global-state';
import type { Owner } from '../core/labels';
import { randomHex } from '../core/random-hex';
import { Journal } from './journal';
import { makeOwnFolder } from './own-folder';
import { readOwner } from '../processes/owner';
import { Registry } from './registry';

/** The session, owner and registry of this process. */
export interface SessionIdentity {
  readonly id: string;
  readonly owner: Owner;
  readonly registry: Registry;
  /** The worker id, when this process or thread works for a run that another process opened. */
  readonly worker?: string | undefined;
}

/** Returns the session of this process. Its journal is opened with the first registration. */
export function sessionIdentity(): SessionIdentity {
  const state = identities();
  return (state.current ??= createIdentity());
}

/** Joins session `id` as a worker: resources created from now on belong to that session. */
export function joinSession(id: string, worker: string): SessionIdentity {
  return (identities().current = createIdentity(id, worker));
}

/** Starts a new session for this process: in watch mode, each run has its own. */
export function renewSession(): SessionIdentity {
  return (identities().current = createIdentity());
}

/** Sets the container that this process runs in, in the format of {@link Owner.container}. */
export function setOwnerContainer(container: string): void {
  const identity = sessionIdentity();
  identities().current = { ...identity, owner: { ...identity.owner, container } };
}

const identities = (): { current?: SessionIdentity } =>
  processWide('session', (): { current?: SessionIdentity } => ({}));

function createIdentity(id = randomHex(6), worker?: string): SessionIdentity {
  let read: Owner | undefined;
  const readOnce = (): Owner => (read ??= readOwner());
  const openJournal = (): Journal => {
    const owner = readOnce();
    // Threads share a pid, so the worker id names their journal.
    const journal = new Journal(join(journalFolder(id), `${worker ?? owner.pid}.jsonl`));
    journal.append({ session: id, owner, openedAt: new Date().toISOString() });
    return journal;
  };
  return {
    id,
    // Read with its first use: that takes 2 ms, and `castoff run` needs only the id before its command starts.
    get owner() {
      return readOnce();
    },
    registry: new Registry(openJournal),
    worker,
  };
}

/** Returns the folder for the journals of a session's processes in this environment. */
export function journalFolder(sessionId: string): string {
  return join(makeOwnFolder(), sessionId);
}
