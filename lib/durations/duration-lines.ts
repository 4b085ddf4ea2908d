import { hash } from 'node:crypto';
import type { MeasuredRun } from './measured-run';

/**
 * Formats runs as lines of a history, each with a version, a digest of the name and milliseconds. The line end
 * in front keeps a torn line from taking the next one with it, and a torn line has no semicolon.
 *
 * @param folder - Part of the digest: several packages may share a history, and use the same names.
 */
export function formatRuns(runs: readonly MeasuredRun[], folder: string): string {
  const lines = runs.map(
    ({ name, durationMs }) => `1 ${digestName(name, folder)} ${Math.round(durationMs)};\n`,
  );
  return `\n${lines.join('')}`;
}

/** Returns the digest of an operation's name in a folder. */
export function digestName(name: string, folder: string): string {
  return hash('sha256', `${folder}\n${name}`, 'base64url').slice(0, 11);
}
