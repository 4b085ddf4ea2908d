import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, relative, sep } from 'node:path';
import { readVariable, type Environment } from '../core/environment';
import { CastoffError } from '../core/errors';
import { processWide } from '../core/global-state';
import { print } from '../core/print';
import { safeJson } from '../core/safe-text';
import type { RenderOptions } from '../verdict/fitted-table';
import type { Verdict } from '../verdict/verdict';

/** Where the verdict goes besides standard error, and who reads that. */
export interface ReportOptions {
  /** Absolute path of the file for the JSON report. Default: none. */
  readonly reportFile?: string | undefined;
  /** Whether a run that created nothing goes unmentioned, as with `--silent` and `--json`. Default false. */
  readonly isSilent?: boolean | undefined;
}

/**
 * Reports a run: prints its verdict on standard error, where runners print their results; standard output may
 * be read as JSON. On GitHub, prints annotations as well.
 *
 * @param kept - Description of the kept resources; may be empty.
 */
export async function reportRun(
  verdict: Verdict,
  kept: string,
  { reportFile, isSilent = false }: ReportOptions = {},
): Promise<void> {
  await printVerdict(verdict, kept, process.env);
  // A `castoff run` around this process reports that nothing was created.
  if (!isSilent && readVariable('CASTOFF_RELAY') === undefined) reportQuietRun(verdict);
  if (reportFile !== undefined) await writeReport(verdict, reportFile);
}

/** Creates the error that fails a run with this verdict; `undefined` when it does not fail. */
export function verdictError({
  isFailure,
  leaks,
  mode,
  handles,
  left,
  failures,
}: Verdict): CastoffError | undefined {
  if (!isFailure) return undefined;
  if (mode === 'fail' && leaks.length > 0)
    return withoutStack(new CastoffError('LEAKS_FOUND', 'castoff: the run leaked resources, see above'));
  if (left.length === 0 && failures.length === 0 && handles.length > 0)
    return withoutStack(new CastoffError('LEAKS_FOUND', 'castoff: the run left handles open, see above'));
  const what =
    failures.length === 0 && left.every(({ lastLook }) => lastLook === 'gone')
      ? 'could not be removed at first'
      : left.some(({ lastLook }) => lastLook === 'there')
        ? 'could not be removed'
        : 'may still exist';
  return withoutStack(
    new CastoffError('CLEANUP_FAILED', `castoff: some resources of this run ${what}, see above`),
  );
}

/** Shortens the stack, which runners print, to the message: the verdict has the lines that matter. */
function withoutStack(error: CastoffError): CastoffError {
  error.stack = `${error.code}: ${error.message}`;
  return error;
}

async function printVerdict(verdict: Verdict, kept: string, environment: Environment): Promise<void> {
  // A terminal without a size has 0 columns.
  const columns = (process.stderr.isTTY && process.stderr.columns) || undefined;
  const hasColour = hasColours(environment);
  const annotations = environment.GITHUB_ACTIONS === 'true' ? await annotate(verdict, environment) : '';
  const text = isQuiet(verdict) ? '' : await format(verdict, { columns, hasColour });
  const parts = [text, kept].filter((part) => part !== '');
  process.stderr.write(`${parts.join('\n')}${annotations}`);
}

// Loaded with their first use: a run without containers needs none of them.
async function format(verdict: Verdict, options: RenderOptions): Promise<string> {
  const { formatVerdict } = await import('../verdict/format-verdict.ts');
  return formatVerdict(verdict, options);
}

async function annotate(verdict: Verdict, environment: Environment): Promise<string> {
  const { formatAnnotations } = await import('../verdict/github-annotations.ts');
  return formatAnnotations(verdict, { folder: folderWithin(environment.GITHUB_WORKSPACE) });
}

async function writeReport(verdict: Verdict, path: string): Promise<void> {
  const { verdictJson } = await import('../verdict/verdict-json.ts');
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${safeJson(verdictJson(verdict))}\n`);
}

/** Returns the working directory, which sources are relative to, relative to the repository's root. */
function folderWithin(workspace: string | undefined): string {
  const folder = relative(workspace ?? '.', '.');
  return folder.startsWith('..') || isAbsolute(folder) ? '' : folder.replaceAll(sep, '/');
}

/** Decides as runners do: by FORCE_COLOR, else by the terminal's capabilities, which respect NO_COLOR. */
function hasColours({ FORCE_COLOR: forced }: Environment): boolean {
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  return process.stderr.isTTY && process.stderr.hasColors();
}

/** The reader of the runner's output. */
export interface Reader {
  readonly isTerminal: boolean;
  /** Whether `--verbose` is on the command line: runners may set the option by themselves. */
  readonly isVerbose: boolean;
  /** The variable of that name. */
  readonly CI?: string | undefined;
}

/** Prints once that castoff watched a run that created nothing; else it would seem not to be installed. */
function reportQuietRun(verdict: Verdict): void {
  const isVerbose = process.argv.includes('--verbose');
  const reader = { isTerminal: process.stderr.isTTY, isVerbose, CI: readVariable('CI') };
  if (!isReportWanted(verdict, reader)) return;
  const once = processWide('quiet run', () => ({ isReported: false }));
  if (once.isReported) return;
  once.isReported = true;
  print('watched this run; it created nothing');
}

/** Whether people read that a run created nothing: on a terminal, in a CI log or with `--verbose`. */
export function isReportWanted(verdict: Verdict, { isTerminal, isVerbose, CI = '' }: Reader): boolean {
  return isQuiet(verdict) && (isTerminal || isVerbose || !['', '0', 'false'].includes(CI));
}

/** Whether a run created nothing, and nothing else is to report: its verdict is empty. */
function isQuiet({ counts, leaks, handles, left, failures, deadWorkers }: Verdict): boolean {
  const hasOther = [...leaks, ...handles, ...left, ...failures].length > 0 || deadWorkers > 0;
  return !hasOther && Object.values(counts).every((count) => count === 0);
}
