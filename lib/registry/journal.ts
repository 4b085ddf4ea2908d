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
import type { Owner } from '../core/labels';
import type { ResourceKind } from '../resources/kind';
import type { EntryOrigin, EntryOwner } from './entry';

/** One line of a journal. Facts are only appended; the current state follows from all of them. */
export type JournalFact =
  | { readonly fact: 'opened'; readonly session: string; readonly owner: Owner; readonly at: string }
  | {
      readonly fact: 'registered';
      readonly key: string;
      readonly kind: ResourceKind;
      readonly name?: string | undefined;
      /** Address of the engine that it will be created on. */
      readonly engine?: string | undefined;
      readonly owner: EntryOwner;
      readonly origin?: EntryOrigin | undefined;
      readonly at: string;
    }
  | {
      readonly fact: 'present';
      readonly key: string;
      readonly id: string;
      readonly name?: string | undefined;
      readonly identity?: string | undefined;
      /** Identities of the parts of a Compose project that it is limited to. */
      readonly only?: readonly string[] | undefined;
      readonly at: string;
    }
  | {
      readonly fact: 'gone';
      readonly key: string;
      readonly outcome?: string | undefined;
      readonly at: string;
    };

const syncToDisk = promisify(fdatasync);

/**
 * An append-only file of facts, one JSON object per line. Each line is one write in append mode, if the
 * system accepts it whole, so several processes can share a file, and a SIGKILL loses at most the line being
 * written.
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

  append(fact: JournalFact): void {
    const start = this.#isTorn ? '\n' : '';
    this.#isTorn = true;
    writeWhole(this.#file, `${start}${JSON.stringify(fact)}\n`);
    this.#isTorn = false;
  }

  /** Resolves when the appended facts survive a crash of the machine. */
  async sync(): Promise<void> {
    await syncToDisk(this.#file);
  }

  close(): void {
    closeSync(this.#file);
  }

  /** Closes and deletes the journal, when all its facts are settled. */
  remove(): void {
    this.close();
    // Not rmSync: it calls functions of `fs` that tests may have mocked.
    attempt(() => unlinkSync(this.path), ['ENOENT']);
    // Other processes of the session may have journals in this folder.
    attempt(() => rmdirSync(dirname(this.path)), ['ENOTEMPTY', 'EEXIST', 'ENOENT']);
  }
}

/** A full disk or a system limit may cause a partial write. */
function writeWhole(file: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let written = 0; written < bytes.length;)
    written += writeSync(file, bytes, written, bytes.length - written);
}

function attempt(call: () => void, expected: readonly string[]): void {
  try {
    call();
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (!expected.includes(code)) throw error;
  }
}

/**
 * Reads the facts of a journal. Skips lines that a crash has truncated; their resources can still be found by
 * label.
 */
export function readJournal(path: string): readonly JournalFact[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .flatMap((line) => parseFact(line));
}

const factNames: readonly string[] = [
  'opened',
  'registered',
  'present',
  'gone',
] satisfies JournalFact['fact'][];

function parseFact(line: string): readonly JournalFact[] {
  try {
    const value: unknown = JSON.parse(line);
    const isFact =
      typeof value === 'object' &&
      value !== null &&
      'fact' in value &&
      factNames.includes(String(value.fact));
    return isFact ? [value as JournalFact] : [];
  } catch {
    // SyntaxError: a truncated line, or the empty one after the last.
    return [];
  }
}
