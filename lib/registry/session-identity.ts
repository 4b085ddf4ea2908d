import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { processWide } from '../core/global-state';
import type { Owner } from '../core/labels';
import { Journal } from './journal';
import { makeOwnFolder, ownFolder } from './own-folder';
import { readOwner } from './owner';
import { Registry } from './registry';

/** Who this process is to everything that it creates. */
export interface SessionIdentity {
  readonly id: string;
  readonly owner: Owner;
  readonly registry: Registry;
}

/** The session of this process; its journal is opened with the first thing that is registered. */
export function sessionIdentity(): SessionIdentity {
  return processWide('session', () => {
    const id = randomBytes(6).toString('hex');
    const owner = readOwner();
    const openJournal = (): Journal => {
      makeOwnFolder();
      const journal = new Journal(join(journalFolder(id), `${owner.pid}.jsonl`));
      journal.append({ fact: 'opened', session: id, owner, at: new Date().toISOString() });
      return journal;
    };
    return { id, owner, registry: new Registry(openJournal) };
  });
}

/** Where the processes of a session keep their journals. */
export function journalFolder(sessionId: string): string {
  return join(ownFolder(), sessionId);
}
