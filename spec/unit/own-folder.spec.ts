import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import os, { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { checkOwnFolder, makeOwnFolder, ownFolder } from '../../lib/registry/own-folder';

/** Windows gives each user a temporary folder of their own. */
const hasUsers = process.getuid !== undefined;

describe("the folder of a user's journals", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'castoff-own-'));
    jest.spyOn(os, 'tmpdir').mockReturnValue(folder);
  });
  afterEach(() => {
    jest.restoreAllMocks();
    rmSync(folder, { recursive: true });
  });

  it('is made in the temporary folder, once', () => {
    expect(makeOwnFolder()).toBe(ownFolder());
    expect(makeOwnFolder()).toBe(ownFolder());
    expect(ownFolder().startsWith(folder)).toBe(true);
  });

  it('is not used when it is no folder but leads elsewhere', () => {
    mkdirSync(join(folder, 'elsewhere'));
    symlinkSync(join(folder, 'elsewhere'), ownFolder(), 'junction');
    const refused = expect.objectContaining({ code: 'CONFIG_INVALID' });
    if (hasUsers) expect(() => makeOwnFolder()).toThrow(refused);
    else expect(() => makeOwnFolder()).not.toThrow();
  });

  it('is not used when it is a folder of another user', () => {
    const path = makeOwnFolder();
    if (hasUsers) jest.spyOn(process, 'getuid').mockReturnValue(4_242);
    const refused = /a folder of user \d+, not ours; remove it, or set TMPDIR/;
    if (hasUsers) expect(() => checkOwnFolder(path)).toThrow(refused);
    else expect(() => checkOwnFolder(path)).not.toThrow();
  });

  it('may be missing when it is only read', () => {
    expect(() => checkOwnFolder(ownFolder())).not.toThrow();
  });
});
