import { constants, fstatSync, readSync, renameSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { messageOf } from '../core/errors';
import { logDebug } from '../core/print';
import { historyPath, maxBytes, withFile } from './duration-file';
import { compactHistory, durationsIn } from './parse-durations';

/** What a cut leaves of each operation. */
const runsAfterCut = 40;
/** A cut takes less time; its temporary file is left only by a crash. */
const cutMs = 60_000;

/** Returns the durations of the last runs of an operation, in milliseconds. Never throws. */
export function readDurations(name: string, cwd: string): readonly number[] {
  try {
    const path = historyPath(cwd);
    return path === undefined ? [] : durationsIn(readEnd(path), name, cwd);
  } catch (error) {
    // ENOENT: nothing has been measured yet. EACCES, EISDIR, ENXIO: there is no history.
    logDebug(`durations are not known: ${messageOf(error)}`);
    return [];
  }
}

/** Reads the last part of the file, which others may have filled with anything. */
function readEnd(path: string): string {
  return withFile(path, constants.O_RDONLY, (file) => {
    const { size } = fstatSync(file);
    const buffer = Buffer.alloc(Math.min(size, maxBytes));
    const bytes = readSync(file, buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString('latin1', 0, bytes);
  });
}

/**
 * Replaces the history file by its newest lines. Lines that other processes append meanwhile may be lost, but none is
 * torn. One process at a time does this: the one that creates the temporary file.
 */
export function cutHistory(path: string): void {
  const temporary = `${path}.new`;
  const stats = statSync(temporary, { throwIfNoEntry: false });
  if (stats !== undefined && Math.abs(Date.now() - stats.mtimeMs) > cutMs) unlinkSync(temporary);
  const text = compactHistory(readEnd(path), runsAfterCut, maxBytes / 2);
  withFile(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, (file) =>
    writeSync(file, text),
  );
  renameSync(temporary, path);
}
