import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CastoffError } from '../core/errors';

/**
 * Finds castoff's package folder: the nearest folder above this file with castoff's package.json.
 *
 * @throws CastoffError `CONFIG_INVALID` when there is none, because castoff was bundled.
 */
export function findPackageFolder(): string {
  for (let folder = __dirname; folder !== dirname(folder); folder = dirname(folder)) {
    const file = join(folder, 'package.json');
    if (existsSync(file) && readName(file) === 'castoff') return folder;
  }
  throw new CastoffError(
    'CONFIG_INVALID',
    `find castoff's package.json above ${__dirname}: not found; do not bundle castoff with your code`,
  );
}

/** Returns the path of the reaper's program: one file without dependencies. */
export function findReaperProgram(): string {
  return join(findPackageFolder(), 'dist/reaper-server.js');
}

function readName(file: string): unknown {
  return (JSON.parse(readFileSync(file, 'utf8')) as { name?: unknown }).name;
}
