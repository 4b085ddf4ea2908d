import { withTimeout } from '../core/timeout';
import { judge } from '../verdict/judge';
import type { LeakSettings, Verdict } from '../verdict/verdict';
import { describeKept } from '../run/describe-kept';
import { runConfigVariable } from './castoff-config';
import type { MainRun } from './main-run';

/**
 * Detaches this process from the run, closes the run and judges it. Never rejects: failures are part of the
 * verdict.
 *
 * Resolves to the verdict, and a description of the kept resources.
 */
export async function endRun(
  { run, detach, unwatchSignals }: MainRun,
  settings: LeakSettings,
): Promise<{ verdict: Verdict; kept: string }> {
  const failures: unknown[] = [];
  const detaching = withTimeout(detach(), { what: 'close the scope of the run', signal: run.beginEnd() });
  await detaching.catch((error: unknown) => void failures.push(error));
  const end = await run.close();
  unwatchSignals();
  for (const name of ['CASTOFF_RUN', runConfigVariable]) delete process.env[name];
  const verdict = judge({ ...end, failures: [...failures, ...end.failures] }, settings);
  const kept = await describeKept(run.session, verdict.kept);
  return { verdict, kept };
}
