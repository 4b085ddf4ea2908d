import { readdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { tolerate } from '../core/errno';
import type { Owner } from '../core/labels';
import type { RegistryEntry } from './entry';
import { readJournal, type JournalLine } from './journal';
import { listOwnFolders } from './own-folder';
import type { ProcessRecord } from './process-record';

/** An owner, and when it last created something, in milliseconds since the epoch, by its own clock. */
export interface ObservedOwner {
  readonly owner: Owner;
  readonly lastActiveMs?: number | undefined;
}

/** A child process that a journal records as running, and the owners that the same journal names. */
export interface JournaledProcess {
  readonly record: ProcessRecord;
  readonly parents: readonly ObservedOwner[];
}

/** The journals of one session on this machine. */
export interface SessionJournals {
  readonly session: string;
  readonly files: readonly string[];
  readonly owners: readonly ObservedOwner[];
  /** Registered resources that are not recorded as gone, in the order of registration. */
  readonly unfinished: readonly RegistryEntry[];
  /** Child processes that are not recorded as ended. */
  readonly processes: readonly JournaledProcess[];
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
    processes: read.flatMap(({ processes }) => processes),
  };
}

/** Removes journals whose resources are all gone, and only those that were read. */
export function removeJournals({ session, files }: SessionJournals): void {
  for (const file of files) rmSync(file, { force: true });
  for (const folder of listOwnFolders())
    // ENOENT: another sweep removed it. ENOTEMPTY, EEXIST: a new process has a journal there.
    tolerate(['ENOENT', 'ENOTEMPTY', 'EEXIST'], () => rmdirSync(join(folder, session)), undefined);
}

function readOne(file: string): Pick<SessionJournals, 'owners' | 'unfinished' | 'processes'> {
  // ENOENT: its last resource was removed in the meantime.
  const lines = tolerate(['ENOENT'], () => readJournal(file), []);
  const times = lines.map((line) => timeOf(line));
  const lastActiveMs = times.reduce((last, time) => (time > last ? time : last), Number.NEGATIVE_INFINITY);
  const entries = new Map<string, RegistryEntry>();
  const records = new Map<string, ProcessRecord>();
  for (const line of lines) {
    if ('entry' in line) entries.set(line.entry.key, line.entry);
    if ('process' in line) records.set(line.process.key, line.process);
  }
  const owners = lines.flatMap((line) => ('owner' in line ? [{ owner: line.owner, lastActiveMs }] : []));
  const running = [...records.values()].filter(({ state }) => state === 'running');
  return {
    owners,
    unfinished: [...entries.values()].filter(({ state }) => state !== 'gone'),
    processes: running.map((record) => ({ record, parents: owners })),
  };
}

function timeOf(line: JournalLine): number {
  if ('entry' in line) return line.entry.since.getTime();
  return 'process' in line ? line.process.startedAt.getTime() : Date.parse(line.openedAt);
}

function listFolder(path: string): readonly string[] {
  // ENOENT, ENOTDIR: no session has left a journal, or the last one was removed in the meantime.
  return tolerate(['ENOENT', 'ENOTDIR'], () => readdirSync(path), []);
}
