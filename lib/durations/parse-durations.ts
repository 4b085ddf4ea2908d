import { digestName } from './duration-lines';
import { maxRuns } from './measured-run';

/**
 * Returns the durations of an operation in a history, in milliseconds, of its last runs. Ignores torn lines
 * and lines of other versions.
 */
export function durationsIn(history: string, name: string, folder: string): readonly number[] {
  const line = new RegExp(`^1 ${digestName(name, folder)} (\\d{1,10});$`, 'gm');
  return [...history.matchAll(line)].map(([, ms]) => Number(ms)).slice(-maxRuns);
}

const anyLine = /^1 ([\w-]{11}) \d{1,10};$/;

/**
 * Returns the newest lines of a history, without torn ones: at most `maxRunsEach` per operation, and at most
 * `maxChars` characters in all.
 */
export function compactHistory(history: string, maxRunsEach: number, maxChars: number): string {
  const counts = new Map<string, number>();
  const kept: string[] = [];
  let chars = 0;
  for (const line of history.split('\n').toReversed()) {
    const digest = anyLine.exec(line)?.[1];
    if (digest === undefined) continue;
    const count = (counts.get(digest) ?? 0) + 1;
    if (count > maxRunsEach) continue;
    chars += line.length + 1;
    if (chars > maxChars) break;
    counts.set(digest, count);
    kept.push(line);
  }
  return kept
    .toReversed()
    .map((line) => `${line}\n`)
    .join('');
}
