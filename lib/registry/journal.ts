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

/** One line of a journal. Facts are only ever added: what is true now follows from all of them. */
export type JournalFact =
  | { readonly fact: 'opened'; readonly session: string; readonly owner: Owner; readonly at: string }
  | {
      readonly fact: 'registered';
      readonly key: string;
      readonly kind: ResourceKind;
      readonly name?: string | undefined;
      /** The address of the engine on which it is to be. */
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
      /** The identities of the parts of a Compose project that are meant, and no others. */
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
 * An append-only file of facts, a JSON line each. A line is written by one call in append mode where the system takes it whole, so that
 * several processes may write to one file, and a SIGKILL loses at most the line that was being written.
 */
export class Journal {
  readonly path: string;
  readonly #file: number;
  /** Whether the file may end in the middle of a line: after a crash, or a write that failed half way. */
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

  /** Resolves when what was appended survives a crash of the machine. */
  async sync(): Promise<void> {
    await syncToDisk(this.#file);
  }

  close(): void {
    closeSync(this.#file);
  }

  /** Closes the journal of which every fact has come to its end. */
  remove(): void {
    this.close();
    // Not rmSync: it calls other functions of `fs`, as they are then, which tests replace.
    attempt(() => unlinkSync(this.path), ['ENOENT']);
    // Other processes of the session may keep theirs beside it.
    attempt(() => rmdirSync(dirname(this.path)), ['ENOTEMPTY', 'EEXIST', 'ENOENT']);
  }
}

/** A full disk, or a limit of the system, may take a part of it. */
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

/** The facts of a journal. A line that was torn by a crash is passed over: what it was about has another trace, its labels. */
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
    // SyntaxError: a torn line, or the empty one after the last.
    return [];
  }
}
