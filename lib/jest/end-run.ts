import { withTimeout } from '../core/timeout';
import { setVariable } from '../core/environment';
import { judge } from '../verdict/judge';
import type { LeakSettings, Verdict } from '../verdict/verdict';
import type { MainRun } from './main-run';

/**
 * Detaches this process from the run, closes the run and judges it. Never rejects: failures are part of the
 * verdict.
 *
 * Resolves to the verdict, and a description of the kept resources.
 */
export async function endRun(
  { run, detach, signals }: MainRun,
  settings: LeakSettings,
): Promise<{ verdict: Verdict; kept: string }> {
  const failures: unknown[] = [];
  const detaching = withTimeout(detach(), { what: 'close the scope of the run', signal: run.beginEnd() });
  await detaching.catch((error: unknown) => void failures.push(error));
  const end = await run.close();
  signals.stop();
  for (const name of ['CASTOFF_RUN', 'CASTOFF_RUN_CONFIG'] as const) setVariable(name, undefined);
  const verdict = judge({ ...end, failures: [...failures, ...end.failures] }, settings);
  if (verdict.kept.length === 0) return { verdict, kept: '' };
  // Loaded with its first use: most runs keep nothing.
  const { describeKept } = await import('../run/describe-kept.ts');
  const by = { session: run.session, isRetained: end.isRetained === true };
  return { verdict, kept: await describeKept(by, verdict.kept) };
}
