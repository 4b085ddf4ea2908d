import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';

/**
 * Gives this spec file, and the processes that it starts, a temporary folder without the journals of other spec
 * files, on which a sweep would act: it ends left processes on the whole machine, whichever engine it sweeps.
 *
 * `close()` removes the folder.
 */
export function openOwnTemporaryFolder(): { readonly close: () => void } {
  const { tmpdir } = os;
  const { TMPDIR: before } = process.env;
  const folder = mkdtempSync(join(tmpdir(), 'castoff-spec-'));
  // Node.js reads the variable in the environment outside of Jest's sandbox.
  os.tmpdir = () => folder;
  process.env['TMPDIR'] = folder;
  return {
    close() {
      os.tmpdir = tmpdir;
      if (before === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = before;
      rmSync(folder, { recursive: true });
    },
  };
}
