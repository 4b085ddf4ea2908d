import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { VerdictJson } from '../../lib/verdict/verdict-json';
import { startJest, type JestEnd, type JestRun, type JestRunOptions } from './jest-run';

export interface JudgedJest extends JestEnd {
  /** What is there on the engine when it has ended. */
  readonly left: readonly string[];
  readonly verdict: VerdictJson;
  /** All that castoff printed on standard error, without what a busy machine lets it wait for. */
  readonly said: readonly string[];
}

/** Runs Jest to its end with a report; `look` sees its folder before it goes. */
export async function runJudged(
  project: string,
  options: JestRunOptions = {},
  look: (run: JestRun) => Promise<void> = () => Promise.resolve(),
): Promise<JudgedJest> {
  const run = await startJest(project, {
    ...options,
    env: { CASTOFF_REPORT_FILE: 'report.json', ...options.env },
  });
  try {
    const end = await run.ended;
    const left = await run.things();
    const verdict = (await run.report()) as unknown as VerdictJson;
    await look(run);
    return {
      ...end,
      left,
      verdict,
      said: end.stderr
        .split('\n')
        .filter((line) => line.includes('castoff:') && !line.includes('castoff: waiting for')),
    };
  } finally {
    await run.close();
  }
}

/** Clients of the servers that specs run, for a fixture's folder `clients`. */
export function databaseClients(): Record<string, string> {
  return Object.fromEntries(
    ['redis.js', 'pg.js'].map((file) => [
      `clients/${file}`,
      readFileSync(join(__dirname, '../fixtures/jest-clients', file), 'utf8'),
    ]),
  );
}
