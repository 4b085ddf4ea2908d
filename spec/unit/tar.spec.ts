import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { tarOf, type TarFile } from '../../lib/lease/tar';

const file = (path: string, text: string, isExecutable = false): TarFile => {
  const content = Buffer.from(text);
  return { path, isExecutable, sizeBytes: content.length, content: [content] };
};

const bytesOf = (files: readonly TarFile[]): Promise<Buffer> => buffer(tarOf(files));

describe('a tar archive', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'castoff-tar-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it.each([0, 1, 511, 512, 513, 70_000])(
    'tar extracts a file of %d bytes from an archive',
    async (sizeBytes) => {
      const text = 'x'.repeat(sizeBytes);
      const input = await bytesOf([file('/a/b/file', text), file('/last', 'end')]);
      execFileSync('tar', ['-xf', '-', '-C', folder], { input });
      expect(readFileSync(join(folder, 'a/b/file'), 'utf8')).toBe(text);
      expect(readFileSync(join(folder, 'last'), 'utf8')).toBe('end');
    },
  );

  it('an archive lists each folder once, before its files, readable by everyone', async () => {
    const input = await bytesOf([file('/usr/bin/node', ''), file('/usr/lib/c', '')]);
    const lines = execFileSync('tar', ['-tvf', '-'], { input, encoding: 'utf8' }).trim().split('\n');
    const listed = lines.map((line) => `${line.slice(0, 10)} ${/\S+$/.exec(line)?.[0].replace(/\/$/, '')}`);
    expect(listed).toEqual([
      'drwxr-xr-x usr',
      'drwxr-xr-x usr/bin',
      'drwxr-xr-x usr/lib',
      '-rw-r--r-- usr/bin/node',
      '-rw-r--r-- usr/lib/c',
    ]);
  });

  it('an archive marks programs as executable, and other files as not', async () => {
    const input = await bytesOf([file('/program', '', true), file('/text', '')]);
    const lines = execFileSync('tar', ['-tvf', '-'], { input, encoding: 'utf8' }).trim().split('\n');
    expect(lines).toEqual([
      expect.stringMatching(/^-rwxr-xr-x .* program$/),
      expect.stringMatching(/^-rw-r--r-- .* text$/),
    ]);
  });

  it('the same files give an archive with the same bytes', async () => {
    const files = (): TarFile[] => [file('/a', 'one', true), file('/b/c', 'two')];
    expect(await bytesOf(files())).toEqual(await bytesOf(files()));
  });

  it('an archive fails when a file has another length than announced', async () => {
    await expect(bytesOf([{ ...file('/a', 'four'), sizeBytes: 5 }])).rejects.toThrow(
      'got 4 bytes, expected 5',
    );
  });

  it('an archive refuses a path that is too long for its format', async () => {
    await expect(bytesOf([file(`/${'p'.repeat(100)}`, '')])).rejects.toThrow('more than 99 bytes');
  });
});
