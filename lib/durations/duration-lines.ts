import { hash } from 'node:crypto';
import type { MeasuredRun } from './measured-run';

/**
 * Formats runs as lines of a history, each with a version, a digest of the name and milliseconds. The line end
 * in front keeps a torn line from taking the next one with it, and a torn line has no semicolon.
 */
export function formatRuns(runs: readonly MeasuredRun[]): string {
  const lines = runs.map(({ name, durationMs }) => `1 ${digestName(name)} ${Math.round(durationMs)};\n`);
  return `\n${lines.join('')}`;
}

/** Returns the digest of an operation's name in a history. */
export function digestName(name: string): string {
  return hash('sha256', name, 'base64url').slice(0, 11);
}
