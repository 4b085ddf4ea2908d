import { closeSync, constants, fstatSync, mkdirSync, openSync, statSync, writeSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { readVariable } from '../core/environment';
import { messageOf } from '../core/errors';
import { logDebug } from '../core/print';
import { formatRuns } from './duration-lines';
import type { MeasuredRun } from './measured-run';
import type * as StoredDurations from './stored-durations';

/** Enough for 200 000 runs. A longer file is cut to half of it. */
export const maxBytes = 4 * 1024 * 1024;

/**
 * Appends runs to the history file, in one write in append mode, so that parallel processes do not mix their
 * lines. Creates the file when missing. Never throws: a history that cannot be written is not kept.
 *
 * @param cwd - The process's own working directory, which tests may change later. Names belong to it.
 */
export function appendRuns(runs: readonly MeasuredRun[], cwd: string): void {
  try {
    const path = historyPath(cwd);
    if (path === undefined) return;
    makeFolder(dirname(path));
    const sizeBytes = withFile(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT, (file) => {
      writeSync(file, formatRuns(runs, cwd));
      return fstatSync(file).size;
    });
    if (sizeBytes > maxBytes) (require('./stored-durations') as typeof StoredDurations).cutHistory(path);
  } catch (error) {
    // EACCES, EROFS, ENOSPC, ENOTDIR, EISDIR, ENXIO: the history is a convenience.
    logDebug(`durations are not kept: ${messageOf(error)}`);
  }
}

/**
 * Returns the path of the history: in the folder of `CASTOFF_HISTORY`, or in the cache folder of the nearest
 * `node_modules`, as other tools keep theirs. `undefined` when it is turned off, or there is no such folder.
 */
export function historyPath(cwd: string): string | undefined {
  const given = readVariable('CASTOFF_HISTORY');
  if (given === 'off') return undefined;
  const folder = given === undefined ? cacheFolder(cwd) : resolve(cwd, given);
  return folder && join(folder, 'durations.log');
}

function cacheFolder(from: string): string | undefined {
  const modules = join(from, 'node_modules');
  if (statSync(modules, { throwIfNoEntry: false })?.isDirectory() === true)
    return join(modules, '.cache/castoff');
  return dirname(from) === from ? undefined : cacheFolder(dirname(from));
}

/**
 * Creates a folder and its parent if they are missing. `recursive` would never return for a folder in `/proc`.
 *
 * @see Node.js, MKDirpSync: tries again while `mkdir` fails with ENOENT
 */
function makeFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false }) !== undefined) return;
  for (const folder of [dirname(path), path]) {
    try {
      mkdirSync(folder);
    } catch (error) {
      // EEXIST: it is there, or another process has just created it.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** Opens a regular file, and closes it after `use`. Throws for anything else, without waiting for a named pipe. */
export function withFile<T>(path: string, flags: number, use: (file: number) => T): T {
  const file = openSync(path, flags | (constants.O_NONBLOCK ?? 0), 0o644);
  try {
    if (!fstatSync(file).isFile()) throw new Error(`${path} is not a file`);
    return use(file);
  } finally {
    closeSync(file);
  }
}
