import { withTimeout } from '../core/timeout';
import { judge } from '../verdict/judge';
import type { LeakSettings, Verdict } from '../verdict/verdict';
import { describeKept } from '../run/describe-kept';
import { runConfigVariable } from './castoff-config';
import type { MainRun } from './main-run';

/** Takes this process out of the run, closes that, and judges. Never rejects: what fails is part of the verdict. */
export async function endRun(
  { run, leave, unwatchSignals }: MainRun,
  settings: LeakSettings,
): Promise<{ verdict: Verdict; kept: string }> {
  const failures: unknown[] = [];
  const leaving = withTimeout(leave(), { what: 'close the scope of the run', signal: run.beginEnd() });
  await leaving.catch((error: unknown) => void failures.push(error));
  const end = await run.close();
  unwatchSignals();
  for (const name of ['CASTOFF_RUN', runConfigVariable]) delete process.env[name];
  const verdict = judge({ ...end, failures: [...failures, ...end.failures] }, settings);
  const kept = await describeKept(run.session, verdict.kept);
  return { verdict, kept };
}
