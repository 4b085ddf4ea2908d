import { execFileSync } from 'node:child_process';
import { lstatSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { archiveOf, inMemory, onDisk, type ArchiveFile } from '../../lib/lease/archive';

const file = (path: string, text: string, mode?: number): ArchiveFile =>
  inMemory(path, Buffer.from(text), mode);
const bytesOf = (files: readonly ArchiveFile[]): Promise<Buffer> => buffer(archiveOf(files));

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
    const input = await bytesOf([file('/program', '', 0o755), file('/text', '')]);
    const lines = execFileSync('tar', ['-tvf', '-'], { input, encoding: 'utf8' }).trim().split('\n');
    expect(lines).toEqual([
      expect.stringMatching(/^-rwxr-xr-x .* program$/),
      expect.stringMatching(/^-rw-r--r-- .* text$/),
    ]);
  });

  it('the same files give an archive with the same bytes', async () => {
    const files = (): ArchiveFile[] => [file('/a', 'one', 0o755), file('/b/c', 'two')];
    expect(await bytesOf(files())).toEqual(await bytesOf(files()));
  });

  it('an archive has the content of a file on disk, through links, as a program', async () => {
    const [program, link] = [join(folder, 'program'), join(folder, 'link')];
    writeFileSync(program, 'x'.repeat(70_000), { mode: 0o600 });
    symlinkSync('program', link);
    const input = await bytesOf([await onDisk('/out/copy', link)]);
    execFileSync('tar', ['-xf', '-', '-C', folder], { input });
    expect(readFileSync(join(folder, 'out/copy'), 'utf8')).toBe(readFileSync(program, 'utf8'));
    expect(lstatSync(join(folder, 'out/copy')).mode & 0o777).toBe(0o755);
  });

  it('an archive refuses a file that does not exist', async () => {
    await expect(onDisk('/a', join(folder, 'none'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('tar extracts a file with a long path', async () => {
    const path = `long/${'p'.repeat(120)}`;
    const input = await bytesOf([file(`/${path}`, 'deep')]);
    execFileSync('tar', ['-xf', '-', '-C', folder], { input });
    expect(readFileSync(join(folder, path), 'utf8')).toBe('deep');
  });
});
