import { print } from '../core/print';
import { relative, sep } from 'node:path';
import type { MainRun } from './main-run';

/** Names the global setups that Jest has run without castoff: what they created is not part of the verdict. */
export function reportOutsideSetups({ outsideSetups, runConfig: { rootDir } }: MainRun): void {
  for (const path of outsideSetups.filter(hasRun)) {
    const name = relative(rootDir, path).split(sep).join('/');
    print(
      `${name} ran outside of castoff, which did not watch what it created; ` +
        'wrap its config in withCastoff of castoff/jest-preset',
    );
  }
}

/** Jest runs the hooks of the projects that have tests in the run. An ES module that was imported is not in the cache. */
function hasRun(path: string): boolean {
  return path in require.cache || path.endsWith('.mjs');
}
