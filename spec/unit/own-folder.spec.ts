import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import os, { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { listOwnFolders, makeOwnFolder, makeShortFolder } from '../../lib/registry/own-folder';

/** On Windows, each user has a private temporary folder. */
const uid = process.getuid?.();
const ifUsers = uid === undefined ? it.skip : it;

describe('makeOwnFolder', () => {
  let temporary: string;
  let usual: string;
  const runtimeBefore = process.env['XDG_RUNTIME_DIR'];
  const useRuntime = (path: string | undefined): void => {
    if (path === undefined) delete process.env['XDG_RUNTIME_DIR'];
    else process.env['XDG_RUNTIME_DIR'] = path;
  };

  beforeEach(() => {
    temporary = mkdtempSync(join(tmpdir(), 'castoff-own-'));
    usual = join(temporary, `castoff-${uid ?? 'user'}`);
    jest.spyOn(os, 'tmpdir').mockReturnValue(temporary);
    useRuntime(undefined);
  });
  afterEach(() => {
    jest.restoreAllMocks();
    useRuntime(runtimeBefore);
    rmSync(temporary, { recursive: true });
  });

  /** Checks that every process uses another folder, and that a sweep finds it. */
  function expectAnother(): void {
    const other = makeOwnFolder();
    expect(dirname(other)).toBe(temporary);
    expect(basename(other)).toMatch(/^castoff-\d+-.{6}$/);
    expect(statSync(other).mode & 0o777).toBe(0o700);
    expect(makeOwnFolder()).toBe(other);
    expect(listOwnFolders()).toContain(other);
    expect(listOwnFolders()).not.toContain(usual);
  }

  it('creates the folder in the temporary folder, once', () => {
    expect(listOwnFolders()).not.toContain(usual);
    expect(makeOwnFolder()).toBe(usual);
    expect(makeOwnFolder()).toBe(usual);
    expect(listOwnFolders()).toContain(usual);
  });

  ifUsers('creates the folder in XDG_RUNTIME_DIR when that is private to the user', () => {
    const runtime = join(temporary, 'runtime');
    mkdirSync(runtime, { mode: 0o700 });
    makeOwnFolder();
    useRuntime(runtime);
    expect(makeOwnFolder()).toBe(join(runtime, 'castoff'));
    // Processes without the variable used the other one.
    expect(listOwnFolders()).toEqual(expect.arrayContaining([join(runtime, 'castoff'), usual]));
  });

  ifUsers.each([
    ['does not exist', () => undefined],
    ['is a file', (path: string) => writeFileSync(path, '', { mode: 0o700 })],
    ['is accessible to others', (path: string) => mkdirSync(path, { mode: 0o755 })],
  ])('does not use an XDG_RUNTIME_DIR that %s', (_what, make) => {
    const runtime = join(temporary, 'runtime');
    make(runtime);
    useRuntime(runtime);
    expect(makeOwnFolder()).toBe(usual);
  });

  ifUsers('uses another name when the usual one is a symbolic link', () => {
    mkdirSync(join(temporary, 'elsewhere'), { mode: 0o700 });
    symlinkSync(join(temporary, 'elsewhere'), usual);
    expectAnother();
  });

  ifUsers('is another one where the name is that of a file', () => {
    writeFileSync(usual, '');
    expectAnother();
  });

  ifUsers('uses another name when others can write to the usual one', () => {
    mkdirSync(usual);
    chmodSync(usual, 0o777);
    expectAnother();
  });

  ifUsers('is never one of another user', () => {
    const ours = makeOwnFolder();
    jest.spyOn(process, 'getuid').mockReturnValue(4_242);
    mkdirSync(join(temporary, 'castoff-4242'));
    expect(listOwnFolders()).not.toContain(ours);
    expect(listOwnFolders()).not.toContain(join(temporary, 'castoff-4242'));
  });

  ifUsers('has a short name for sockets where the temporary folder has a long one', () => {
    expect(makeShortFolder()).toBe(makeOwnFolder());
    const long = join(temporary, 'x'.repeat(80));
    jest.spyOn(os, 'tmpdir').mockReturnValue(long);
    expect(makeOwnFolder()).toBe(join(long, `castoff-${uid}`));
    expect(makeShortFolder()).toMatch(/^\/tmp\/castoff-\d+/);
  });

  it('throws CONFIG_INVALID when the folder cannot be created', () => {
    jest.spyOn(os, 'tmpdir').mockReturnValue(join(__filename, 'nowhere'));
    expect(() => makeOwnFolder()).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    expect(listOwnFolders().filter((path) => path.startsWith(__filename))).toEqual([]);
  });
});
