import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { processWide } from '../core/global-state';
import type { Owner } from '../core/labels';
import { Journal } from './journal';
import { makeOwnFolder } from './own-folder';
import { readOwner } from './owner';
import { Registry } from './registry';

/** Who this process is to everything that it creates. */
export interface SessionIdentity {
  readonly id: string;
  readonly owner: Owner;
  readonly registry: Registry;
  /** Where this process, or thread, works for a run that another one has opened: which of its workers it is. */
  readonly worker?: string | undefined;
}

/** The session of this process; its journal is opened with the first thing that is registered. */
export function sessionIdentity(): SessionIdentity {
  const place = identities();
  return (place.current ??= createIdentity(randomBytes(6).toString('hex'), undefined));
}

/** Makes this process one of the workers of session `id`: what it creates from now on is that session's. */
export function joinSession(id: string, worker: string): SessionIdentity {
  return (identities().current = createIdentity(id, worker));
}

/** Makes what this process creates from now on another session's: in a watching process, each run is one. */
export function renewSession(): SessionIdentity {
  return (identities().current = createIdentity(randomBytes(6).toString('hex'), undefined));
}

/** Adds to the owner that this process is where it runs, as {@link Owner.container} has it. */
export function setOwnerContainer(container: string): void {
  const identity = sessionIdentity();
  identities().current = { ...identity, owner: { ...identity.owner, container } };
}

const identities = (): { current?: SessionIdentity } =>
  processWide('session', (): { current?: SessionIdentity } => ({}));

function createIdentity(id: string, worker: string | undefined): SessionIdentity {
  const owner = readOwner();
  const openJournal = (): Journal => {
    // Threads share a pid.
    const journal = new Journal(join(journalFolder(id), `${worker ?? owner.pid}.jsonl`));
    journal.append({ fact: 'opened', session: id, owner, at: new Date().toISOString() });
    return journal;
  };
  return { id, owner, registry: new Registry(openJournal), worker };
}

/** Where the processes of a session in an environment like this one's keep their journals. */
export function journalFolder(sessionId: string): string {
  return join(makeOwnFolder(), sessionId);
}
