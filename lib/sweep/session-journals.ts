import { readdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readJournal } from '../registry/journal';
import { listOwnFolders } from '../registry/own-folder';
import { replayJournal, type Unfinished } from '../registry/unfinished';
import type { ObservedOwner } from './session-proof';

/** The journals of one session on this machine. */
export interface SessionJournals {
  readonly session: string;
  readonly files: readonly string[];
  readonly owners: readonly ObservedOwner[];
  readonly unfinished: readonly Unfinished[];
}

/** Whether `text` has the format of a session id: 12 hexadecimal digits. */
export function isSessionId(text: string): boolean {
  return /^[0-9a-f]{12}$/.test(text);
}

/**
 * Reads the journals of all sessions of this user on this machine, in `XDG_RUNTIME_DIR` and in the temporary
 * folder.
 */
export function readAllJournals(): readonly SessionJournals[] {
  const names = listOwnFolders().flatMap((folder) => listFolder(folder));
  return [...new Set(names)].filter((name) => isSessionId(name)).map((session) => readJournals(session));
}

/** Reads the journals of one session; empty for a session that closed normally, or ran elsewhere. */
export function readJournals(session: string): SessionJournals {
  const folders = listOwnFolders().map((folder) => join(folder, session));
  const files = folders.flatMap((folder) => listFolder(folder).map((name) => join(folder, name)));
  const read = files.map((file) => readOne(file));
  return {
    session,
    files,
    owners: read.flatMap(({ owners }) => owners),
    unfinished: read.flatMap(({ unfinished }) => unfinished),
  };
}

/** Removes journals whose resources are all gone, and only those that were read. */
export function removeJournals({ session, files }: SessionJournals): void {
  for (const file of files) rmSync(file, { force: true });
  for (const folder of listOwnFolders()) removeIfEmpty(join(folder, session));
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    // ENOENT: another sweep removed it. ENOTEMPTY, EEXIST: a new process has a journal there.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
  }
}

function readOne(file: string): Pick<SessionJournals, 'owners' | 'unfinished'> {
  const facts = readIfThere(file);
  const { owners, unfinished } = replayJournal(facts);
  const signs = facts.map(({ at }) => Date.parse(at)).filter((at) => !Number.isNaN(at));
  const lastActiveMs = signs.length === 0 ? undefined : Math.max(...signs);
  return { owners: owners.map((owner) => ({ owner, lastActiveMs })), unfinished };
}

function readIfThere(file: string): ReturnType<typeof readJournal> {
  try {
    return readJournal(file);
  } catch (error) {
    // ENOENT: its last resource was removed in the meantime.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function listFolder(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    // ENOENT, ENOTDIR: no session has left a journal, or the last one was removed in the meantime.
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  }
}
