import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { tolerate } from '../core/errno';
import { parseFields } from '../core/fields';
import type { FoundPackage } from './doctor-facts';

/**
 * Finds the version of the package that code in `folder` would load: in the nearest `node_modules` that has it.
 * `package.json` is read as a file, since a package may not export it.
 */
export function findPackage(name: string, folder: string): FoundPackage {
  for (let at = folder; ; at = dirname(at)) {
    const file = join(at, 'node_modules', name, 'package.json');
    const text = tolerate(['ENOENT', 'ENOTDIR', 'EACCES'], () => readFileSync(file, 'utf8'), undefined);
    const version = text === undefined ? undefined : parseFields(text)?.version;
    if (typeof version === 'string') return { name, version };
    if (at === dirname(at)) return { name, version: undefined };
  }
}
