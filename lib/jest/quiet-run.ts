import { processWide } from '../core/global-state';
import type { Verdict } from '../leaks/verdict';
import type { GlobalConfig } from './global-hook';

export interface Reader {
  readonly isTerminal: boolean;
  /** Asked for on the command line: Jest sets the option by itself where it runs a single file. */
  readonly isVerbose: boolean;
  /** The variable of that name. */
  readonly CI?: string | undefined;
}

/** Reports once in a process that castoff has watched a run which created nothing: without a line it would seem not to be there. */
export function reportQuietRun(verdict: Verdict, globalConfig: GlobalConfig): void {
  const isVerbose = process.argv.includes('--verbose');
  const reader = { isTerminal: process.stderr.isTTY, isVerbose, CI: process.env['CI'] };
  if (!isReportWanted(verdict, globalConfig, reader)) return;
  const once = processWide('jest quiet run', () => ({ isReported: false }));
  if (once.isReported) return;
  once.isReported = true;
  process.stderr.write('castoff: watched this run; it created nothing\n');
}

/** For people: on a terminal, in the log of a CI system, and where more output is asked for; not beside what programs read. */
export function isReportWanted(
  { counts, leaks, left, failures, deadWorkers }: Verdict,
  { silent, json }: GlobalConfig,
  { isTerminal, isVerbose, CI = '' }: Reader,
): boolean {
  const hasOther = [...leaks, ...left, ...failures].length > 0 || deadWorkers > 0;
  if (hasOther || Object.values(counts).some((count) => count > 0)) return false;
  if (silent === true || json === true) return false;
  return isTerminal || isVerbose || !['', '0', 'false'].includes(CI);
}
