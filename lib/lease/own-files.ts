import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CastoffError } from '../core/errors';

/** Castoff's own folder: where its package.json stands, above this file, wherever a build has put it. */
export function packageFolder(): string {
  for (let folder = __dirname; folder !== dirname(folder); folder = dirname(folder)) {
    const file = join(folder, 'package.json');
    if (existsSync(file) && readName(file) === 'castoff') return folder;
  }
  throw new CastoffError(
    'CONFIG_INVALID',
    `find castoff's files above ${__dirname}: there is no package.json of castoff; do not bundle castoff with your code`,
  );
}

/** `dist/reaper-server.js`: the reaper's program, one file that needs nothing but Node. */
export function reaperProgram(): string {
  return join(packageFolder(), 'dist/reaper-server.js');
}

function readName(file: string): unknown {
  return (JSON.parse(readFileSync(file, 'utf8')) as { name?: unknown }).name;
}
