import { processWide } from '../core/global-state';
import { print } from '../core/print';
import { readVariable } from '../core/environment';
import type { Verdict } from '../verdict/verdict';
import type { GlobalConfig } from './global-hook';

/** The reader of Jest's output. */
export interface Reader {
  readonly isTerminal: boolean;
  /** Whether `--verbose` is on the command line: Jest sets the option by itself where it runs a single file. */
  readonly isVerbose: boolean;
  /** The variable of that name. */
  readonly CI?: string | undefined;
}

/**
 * Prints, once in a process, that castoff watched a run which created nothing. Without that line castoff would
 * seem not to be installed.
 */
export function reportQuietRun(verdict: Verdict, globalConfig: GlobalConfig): void {
  const isVerbose = process.argv.includes('--verbose');
  const reader = { isTerminal: process.stderr.isTTY, isVerbose, CI: readVariable('CI') };
  if (!isReportWanted(verdict, globalConfig, reader)) return;
  const once = processWide('jest quiet run', () => ({ isReported: false }));
  if (once.isReported) return;
  once.isReported = true;
  print('watched this run; it created nothing');
}

/** Whether people read the output: on a terminal, in a CI log or with `--verbose`, but not with `--json` or `--silent`. */
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
