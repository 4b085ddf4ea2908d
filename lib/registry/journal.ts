import {
  closeSync,
  fdatasync,
  mkdirSync,
  openSync,
  readFileSync,
  rmdirSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { tolerate } from '../core/errno';
import type { Owner } from '../core/labels';
import type { RegistryEntry } from './entry';
import { parseEntry } from './parse-entry';
import { parseProcessRecord, type ProcessRecord } from './process-record';

/**
 * One line of a journal: the process that opened it, or an entry or child process as it was when the line was
 * written.
 */
export type JournalLine =
  | { readonly session: string; readonly owner: Owner; readonly openedAt: string }
  | { readonly entry: RegistryEntry }
  | { readonly process: ProcessRecord };

const syncToDisk = promisify(fdatasync);

/**
 * An append-only file of JSON lines; the last line of an entry is its current state. Each line is one write in
 * append mode, if the system accepts it whole, so several processes can share a file, and a SIGKILL loses at
 * most the line being written.
 */
export class Journal {
  readonly path: string;
  readonly #file: number;
  /** Whether the file may end with an incomplete line, after a crash or a failed write. */
  #isTorn = true;

  constructor(path: string) {
    this.path = path;
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    this.#file = openSync(path, 'a', 0o600);
  }

  append(line: JournalLine): void {
    const start = this.#isTorn ? '\n' : '';
    this.#isTorn = true;
    writeWhole(this.#file, `${start}${JSON.stringify(line)}\n`);
    this.#isTorn = false;
  }

  /** Resolves when the appended lines survive a crash of the machine. */
  async sync(): Promise<void> {
    await syncToDisk(this.#file);
  }

  close(): void {
    closeSync(this.#file);
  }

  /** Closes and deletes the journal, when all its resources are gone. */
  remove(): void {
    this.close();
    // Not rmSync: it calls functions of `fs` that tests may have mocked.
    tolerate(['ENOENT'], () => unlinkSync(this.path), undefined);
    // Other processes of the session may have journals in this folder.
    tolerate(['ENOTEMPTY', 'EEXIST', 'ENOENT'], () => rmdirSync(dirname(this.path)), undefined);
  }
}

/** A full disk or a system limit may cause a partial write. */
function writeWhole(file: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let written = 0; written < bytes.length;)
    written += writeSync(file, bytes, written, bytes.length - written);
}

/**
 * Reads the lines of a journal. Skips lines that a crash has truncated; their resources can still be found by
 * label.
 */
export function readJournal(path: string): readonly JournalLine[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .flatMap((line) => parseLine(line) ?? []);
}

function parseLine(text: string): JournalLine | undefined {
  try {
    const line = JSON.parse(text) as Partial<
      Record<'session' | 'owner' | 'entry' | 'process', unknown>
    > | null;
    if (typeof line?.session === 'string' && typeof line.owner === 'object') return line as JournalLine;
    const entry = parseEntry(line?.entry);
    if (entry !== undefined) return { entry };
    const process = parseProcessRecord(line?.process);
    return process && { process };
  } catch {
    // SyntaxError: a truncated line, or the empty one after the last.
    return undefined;
  }
}
