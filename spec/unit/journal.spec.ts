import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs, { appendFileSync, existsSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { RegistryEntry } from '../../lib/registry/entry';
import { Journal, readJournal, type JournalLine } from '../../lib/registry/journal';
import { rejectionOf } from '../support/rejection';
import { withTypeScript } from '../support/with-typescript';

let folder: string;
let path: string;
let files = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'castoff-journal-'));
});
beforeEach(() => {
  files += 1;
  path = join(folder, `session ${files}`, '1234.jsonl');
});
afterEach(() => {
  jest.restoreAllMocks();
});
afterAll(() => rm(folder, { recursive: true }));

const registeredAt = new Date('2026-11-21T09:00:00.000Z');

function registered(key: string): JournalLine {
  const owner = { scope: 'orders', source: 'a.spec.ts:1' };
  const entry = { key, kind: 'container', owner, origin: 'scope', state: 'registered' } as const;
  return { entry: { ...entry, registeredAt, since: registeredAt } };
}

function gone(key: string): JournalLine {
  const since = new Date('2026-11-21T09:00:01.000Z');
  const owner = { scope: 'orders' };
  const entry = {
    key,
    kind: 'container',
    owner,
    origin: 'scope',
    state: 'gone',
    outcome: 'removed',
  } as const;
  return { entry: { ...entry, registeredAt, since } };
}

function keysIn(lines: readonly JournalLine[]): readonly string[] {
  return lines.map((line) => {
    if ('process' in line) return line.process.key;
    return 'entry' in line ? line.entry.key : line.session;
  });
}

const { writeSync } = fs;

/** Makes the system accept at most that many bytes per write. */
function atMost(bytes: number): typeof fs.writeSync {
  return (file: number, data: string | NodeJS.ArrayBufferView, ...rest: unknown[]): number => {
    const whole =
      typeof data === 'string'
        ? Buffer.from(data)
        : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    const from = typeof data === 'string' ? 0 : Number(rest[0] ?? 0);
    return writeSync(file, whole, from, Math.min(bytes, whole.length - from));
  };
}

describe('a journal', () => {
  it('returns the appended lines in order, with every field of an entry', () => {
    const journal = new Journal(path);
    const entry: Required<RegistryEntry> = {
      key: 'one',
      kind: 'volume',
      id: 'c1',
      name: 'web "1"\n',
      image: 'nginx',
      engine: 'unix:///x',
      owner: { scope: 'orders', test: 'are paid', source: 'a.spec.ts:1' },
      origin: 'raw',
      registeredAt,
      state: 'left',
      since: new Date('2026-11-21T09:00:02.000Z'),
      identity: 'volume c1 2026',
      bounds: { only: ['container c1'] },
      outcome: 'removed',
      leakedAt: new Date('2026-11-21T09:00:03.000Z'),
      floating: 'stop() at a.spec.ts:9',
      died: 'exited, exit code 1',
      failure: 'it is busy',
    };
    const lines: JournalLine[] = [
      { session: 's', owner: { host: 'h', pid: 1 }, openedAt: '2026-11-21T09:00:00.000Z' },
      registered('one'),
      { entry },
      gone('one'),
    ];
    for (const line of lines) journal.append(line);
    journal.close();
    expect(readJournal(path)).toEqual(lines);
  });

  it('writes each line completely, when the system writes a few bytes at a time', () => {
    jest.spyOn(fs, 'writeSync').mockImplementation(atMost(7));
    const journal = new Journal(path);
    journal.append(registered('one'));
    journal.append(gone('one'));
    journal.close();
    expect(readJournal(path)).toEqual([registered('one'), gone('one')]);
  });

  it('keeps a line that follows a partially written one', () => {
    const journal = new Journal(path);
    const full = Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
    jest
      .spyOn(fs, 'writeSync')
      .mockImplementationOnce(atMost(20))
      .mockImplementationOnce(() => {
        throw full;
      });
    expect(() => journal.append(registered('one'))).toThrow(full);
    jest.restoreAllMocks();
    journal.append(registered('two'));
    journal.close();
    expect(keysIn(readJournal(path))).toEqual(['two']);
  });

  it('writes each line to its file at once', () => {
    const journal = new Journal(path);
    journal.append(registered('one'));
    expect(keysIn(readJournal(path))).toEqual(['one']);
    journal.close();
  });

  it('appends to an existing file', () => {
    for (const key of ['one', 'two']) {
      const journal = new Journal(path);
      journal.append(registered(key));
      journal.close();
    }
    expect(keysIn(readJournal(path))).toEqual(['one', 'two']);
  });

  it('is readable by its user only', () => {
    const journal = new Journal(path);
    journal.close();
    expect((statSync(path).mode & 0o777).toString(8)).toBe('600');
    expect((statSync(join(path, '..')).mode & 0o777).toString(8)).toBe('700');
  });

  it('syncs its file to disk, and rejects when that fails', async () => {
    const journal = new Journal(path);
    journal.append(registered('one'));
    expect(await journal.sync()).toBeUndefined();
    journal.close();
    expect(await rejectionOf(journal.sync())).toMatchObject({ code: 'EBADF' });
  });

  it('leaves no file after its removal', () => {
    const journal = new Journal(path);
    journal.append(registered('one'));
    journal.remove();
    expect(existsSync(path)).toBe(false);
  });
});

describe('a journal with a line truncated by a crash', () => {
  const whole = `${JSON.stringify(registered('one'))}\n`;
  const torn = JSON.stringify(registered('two'));

  it.each([1, 2, 20, torn.length - 1])('returns all but the line truncated after %d bytes', (length) => {
    new Journal(path).close();
    writeFileSync(path, `${whole}${torn.slice(0, length)}`);
    expect(keysIn(readJournal(path))).toEqual(['one']);
  });

  it('returns everything appended after the truncated line', () => {
    new Journal(path).close();
    writeFileSync(path, `${whole}${torn.slice(0, 20)}`);
    const journal = new Journal(path);
    journal.append(registered('three'));
    journal.append(gone('one'));
    journal.close();
    expect(keysIn(readJournal(path))).toEqual(['one', 'three', 'one']);
  });

  it.each(['', '\n\n', 'null\n', '7\n', '[]\n', '{}\n', '{"entry":{"key":"invented"}}\n', '\u0000\u0000\n'])(
    'skips lines that are neither an opening nor an entry: %j',
    (noise) => {
      new Journal(path).close();
      writeFileSync(path, whole);
      appendFileSync(path, noise);
      appendFileSync(path, `${JSON.stringify(gone('one'))}\n`);
      expect(keysIn(readJournal(path))).toEqual(['one', 'one']);
    },
  );
});

describe('two processes that share a journal', () => {
  it('lose nothing when both append 5000 entries at once', async () => {
    const count = 5_000;
    const names = ['a', 'b'];
    const script = join(__dirname, '../fixtures/journal/append-many.cjs');
    const writers = names.map((name) =>
      spawn(
        process.execPath,
        [...withTypeScript, script, path, name, name === 'a' ? 'b' : 'a', String(count)],
        { stdio: ['pipe', 'pipe', 'inherit'] },
      ),
    );
    const exits = writers.map((writer) => once(writer, 'exit'));
    await Promise.all(writers.map((writer) => once(writer.stdout, 'data')));
    for (const writer of writers) writer.stdin.write('go\n');
    expect((await Promise.all(exits)).map(([code]) => code)).toEqual([0, 0]);

    const keys = keysIn(readJournal(path));
    expect(keys).toHaveLength(2 * count);
    for (const name of names) {
      const own = keys.filter((key) => key.startsWith(name));
      expect(own).toEqual(Array.from({ length: count }, (_, number) => `${name} ${number}`));
    }
  }, 30_000);
});
