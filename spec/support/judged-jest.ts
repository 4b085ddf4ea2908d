import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { VerdictJson } from '../../lib/verdict/verdict-json';
import { startJest, type JestEnd, type JestRun, type JestRunOptions } from './jest-run';

/** The result of a run of Jest, with its report. */
export interface JudgedJest extends JestEnd {
  /** Titles of the resources that are on the engine after the run. */
  readonly left: readonly string[];
  readonly verdict: VerdictJson;
  /** Lines that castoff printed on standard error, without progress messages on a busy machine. */
  readonly printed: readonly string[];
}

/** Runs Jest to its end with a report. `inspect` is called after the run, before its folder is removed. */
export async function runJudged(
  project: string,
  options: JestRunOptions = {},
  inspect: (run: JestRun) => Promise<void> = () => Promise.resolve(),
): Promise<JudgedJest> {
  const run = await startJest(project, {
    ...options,
    env: { CASTOFF_REPORT_FILE: 'report.json', ...options.env },
  });
  try {
    const end = await run.ended;
    const left = await run.resources();
    const verdict = (await run.report()) as unknown as VerdictJson;
    await inspect(run);
    return {
      ...end,
      left,
      verdict,
      printed: end.stderr
        .split('\n')
        .filter((line) => line.includes('castoff:') && !line.includes('castoff: waiting for')),
    };
  } finally {
    await run.close();
  }
}

/** Returns the database clients for a fixture's folder `clients`: path → text. */
export function databaseClients(): Record<string, string> {
  return Object.fromEntries(
    ['redis.js', 'pg.js'].map((file) => [
      `clients/${file}`,
      readFileSync(join(__dirname, '../fixtures/jest-clients', file), 'utf8'),
    ]),
  );
}
