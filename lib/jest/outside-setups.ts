import { print } from '../core/print';
import { relative, sep } from 'node:path';
import type { MainRun } from './main-run';

/** Prints the global setups that Jest ran without castoff. The verdict does not cover what they created. */
export function reportOutsideSetups({ outsideSetups, runConfig: { rootDir } }: MainRun): void {
  for (const path of outsideSetups.filter(hasRun)) {
    const name = relative(rootDir, path).split(sep).join('/');
    print(
      `${name} ran outside of castoff, and what it created is not watched; ` +
        'wrap its config in withCastoff from castoff/jest-preset',
    );
  }
}

/**
 * Returns whether a setup has run; Jest skips projects without tests. The cache does not have imported ES
 * modules.
 */
function hasRun(path: string): boolean {
  return path in require.cache || path.endsWith('.mjs');
}
